//! Widgets without domain: they render what they are given and call back.

mod app_bar;
mod avatar;
mod choice_menu;
mod clipboard;
mod icon;
mod menu_button;
mod message_page;
mod notice;
mod theme;

pub(crate) use app_bar::AppBar;
pub(crate) use avatar::Avatar;
pub(crate) use choice_menu::{Choice, ChoiceMenu};
pub(crate) use clipboard::copy_text;
pub(crate) use icon::{Glyph, Icon};
pub(crate) use menu_button::{MenuButton, Placement};
pub(crate) use message_page::MessagePage;
pub(crate) use notice::{Notices, NoticesView, use_notices};
pub(crate) use theme::ThemeChoice;
