//! The stage: places every tile (design language "Stage") and says something while nobody else is there.

use std::{collections::HashMap, sync::Arc};

use leptos::{html, prelude::*};
use wasm_bindgen::{JsCast, closure::Closure};

use super::{
    layout::{self, Corner, Place, Size},
    own_tile::OwnTile,
    people::Source,
    tile::RemoteTile,
};
use crate::{
    i18n::{Text, use_i18n},
    room::Entry,
    rtc::LocalMedia,
    session::{Session, SessionState},
    share::ShareStage,
};

/// What a tile shows.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Key {
    /// A remote participant's camera or screen.
    Remote(String, Source),
    Own,
}

/// Who else is or was here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Company {
    Nobody,
    Others,
    NobodyAnyMore,
}

/// Where everything stands.
#[derive(Clone, PartialEq, Debug, Default)]
struct Scene {
    places: HashMap<Key, Place>,
    floating: bool,
    /// People without a tile, and where their number stands.
    more: Option<(usize, Place)>,
    height: f64,
}

#[component]
pub(super) fn Stage(
    entry: Arc<Entry>,
    /// Of the own participant.
    name: String,
    media: LocalMedia,
    session: Session,
) -> impl IntoView {
    let i18n = use_i18n();
    let element = NodeRef::<html::Div>::new();
    let size = measured(element);
    let chosen_corner = RwSignal::new(None::<Corner>);
    let remotes = session.remotes();
    let state = session.state();

    let keys = Memo::new(move |_| {
        remotes.with(|remotes| {
            let screens = remotes.iter().filter(|participant| participant.screen.is_some());
            let screens = screens.map(|participant| Key::Remote(participant.sid.clone(), Source::Screen));
            let cameras =
                remotes.iter().map(|participant| Key::Remote(participant.sid.clone(), Source::Camera));
            screens.chain(cameras).chain([Key::Own]).collect::<Vec<_>>()
        })
    });
    let corner = Memo::new(move |_| {
        // On a phone the lower corners are where the names and the thumbs are.
        chosen_corner.get().unwrap_or(Corner { right: true, bottom: size.get().width >= 480.0 })
    });
    let scene = Memo::new(move |_| keys.with(|keys| arrange(keys, size.get(), corner.get())));
    let connecting = Memo::new(move |_| state.get() == SessionState::Connecting);
    let company = Memo::new(move |before: Option<&Company>| {
        let alone = keys.with(|keys| keys.len() == 1);
        match (alone, before) {
            (false, _) => Company::Others,
            (true, None | Some(Company::Nobody)) => Company::Nobody,
            (true, Some(Company::Others | Company::NobodyAnyMore)) => Company::NobodyAnyMore,
        }
    });
    let bars = Signal::derive(move || keys.with(|keys| keys.len() == 2));

    let tile = move |key: Key| {
        let place = {
            let key = key.clone();
            Memo::new(move |_| scene.with(|scene| scene.places.get(&key).copied()))
        };
        match key {
            Key::Remote(sid, source) => {
                view! { <RemoteTile session=session sid=sid source=source place=place bars=bars /> }
                    .into_any()
            }
            Key::Own => view! {
                <OwnTile
                    name=name.clone()
                    media=media
                    session=session
                    place=place
                    floating=Signal::derive(move || scene.with(|scene| scene.floating))
                    stage=size
                    corner=corner
                    on_corner=move |corner| chosen_corner.set(Some(corner))
                />
            }
            .into_any(),
        }
    };
    let more = move || {
        scene.with(|scene| scene.more).map(|(count, place)| {
            let count = count.to_string();
            view! {
                <div
                    class="tile tile--more"
                    style=super::tile::style(Some(place))
                    aria-label=move || i18n.fill(Text::MeetingMore, &[("count", &count)])
                    role="img"
                >
                    {format!("+{}", count_of(scene))}
                </div>
            }
        })
    };
    let joining = {
        let room_name = entry.room.room_name.clone();
        move || i18n.fill(Text::MeetingJoining, &[("room", &room_name)])
    };
    let invitation = move || {
        let title = match company.get() {
            Company::Others => None,
            Company::Nobody => Some(Text::MeetingAlone),
            Company::NobodyAnyMore => Some(Text::MeetingAloneAgain),
        };
        title.map(|title| {
            if connecting.get() {
                return view! { <p class="stage__joining" id="spinner" role="status">{joining.clone()}</p> }
                    .into_any();
            }
            let share =
                entry.moderates().then(|| view! { <ShareStage url=entry.room.speaker_url.clone() /> });
            let text = if entry.moderates() { Text::MeetingAloneShare } else { Text::MeetingAloneWait };
            view! {
                <div class="stage__alone" id="share-link-overlay">
                    <h2 class="stage__title">{i18n.of(title)}</h2>
                    <p class="stage__text">{i18n.of(text)}</p>
                    {share}
                </div>
            }
            .into_any()
        })
    };
    view! {
        <div class="stage" id="layout-container">
            <div class="stage__scroll" node_ref=element>
                <div
                    class="stage__tiles"
                    id="layout"
                    role="group"
                    aria-label=i18n.of(Text::MeetingStage)
                    style=move || format!("height: {:.1}px", scene.with(|scene| scene.height))
                >
                    {invitation}
                    <For each=move || keys.get() key=Clone::clone children=tile />
                    {more}
                </div>
            </div>
        </div>
    }
}

fn count_of(scene: Memo<Scene>) -> usize {
    scene.with_untracked(|scene| scene.more.map_or(0, |(count, _)| count))
}

/// Decides between floating, grid and spotlight.
fn arrange(keys: &[Key], size: Size, corner: Corner) -> Scene {
    let own = || (Key::Own, layout::floating(size, corner));
    match keys {
        [] => Scene::default(),
        [Key::Own] => {
            Scene { places: HashMap::from([own()]), floating: true, height: size.height, more: None }
        }
        [other, Key::Own] if !is_screen(other) => Scene {
            places: HashMap::from([(other.clone(), layout::whole(size)), own()]),
            floating: true,
            height: size.height,
            more: None,
        },
        [screen, strip @ ..] if is_screen(screen) => {
            let (large, places) = layout::spotlight(size, strip.len());
            let overflow = strip.len() > places.len();
            let shown = if overflow { places.len().saturating_sub(1) } else { strip.len() };
            let more = places.last().filter(|_| overflow).map(|place| (strip.len() - shown, *place));
            let mut all: HashMap<_, _> = strip.iter().cloned().zip(places).take(shown).collect();
            all.insert(screen.clone(), large);
            Scene { places: all, floating: false, more, height: size.height }
        }
        _ => {
            let grid = layout::grid(size, keys.len());
            let places = keys.iter().cloned().zip(grid.places).collect();
            Scene { places, floating: false, more: None, height: grid.height }
        }
    }
}

fn is_screen(key: &Key) -> bool {
    matches!(key, Key::Remote(_, Source::Screen))
}

/// The element's size, followed for as long as the calling view lives.
fn measured(element: NodeRef<html::Div>) -> Signal<Size> {
    let size = RwSignal::new(Size::default());
    Effect::new(move |_| {
        let Some(element) = element.get() else { return };
        let on_resize = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
            let last = entries.pop().dyn_into::<web_sys::ResizeObserverEntry>();
            if let Ok(entry) = last {
                let rect = entry.content_rect();
                size.set(Size { width: rect.width(), height: rect.height() });
            }
        });
        let Ok(observer) = web_sys::ResizeObserver::new(on_resize.as_ref().unchecked_ref()) else { return };
        observer.observe(&element);
        let kept = StoredValue::new_local(Some((observer, on_resize)));
        on_cleanup(move || {
            if let Some((observer, _)) = kept.try_update_value(Option::take).flatten() {
                observer.disconnect();
            }
        });
    });
    size.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGE: Size = Size { width: 1264.0, height: 720.0 };
    const CORNER: Corner = Corner { right: true, bottom: true };

    fn remote(sid: &str, source: Source) -> Key {
        Key::Remote(sid.to_owned(), source)
    }

    #[test]
    fn own_picture_floats_for_one_and_two_people() {
        assert!(arrange(&[Key::Own], STAGE, CORNER).floating);
        let two = arrange(&[remote("a", Source::Camera), Key::Own], STAGE, CORNER);
        assert!(two.floating);
        assert_eq!(two.places[&remote("a", Source::Camera)], layout::whole(STAGE));
    }

    #[test]
    fn three_people_share_the_grid() {
        let keys = [remote("a", Source::Camera), remote("b", Source::Camera), Key::Own];
        let scene = arrange(&keys, STAGE, CORNER);
        assert!(!scene.floating);
        assert_eq!(scene.places.len(), 3);
    }

    #[test]
    fn a_screen_takes_the_stage_and_who_does_not_fit_is_counted() {
        let mut keys = vec![remote("a", Source::Screen)];
        keys.extend((0..40).map(|at| remote(&format!("p{at}"), Source::Camera)));
        keys.push(Key::Own);
        let scene = arrange(&keys, STAGE, CORNER);
        let (more, _) = scene.more.unwrap();
        assert_eq!(scene.places.len() + more, keys.len());
        let area = |place: &Place| place.width * place.height;
        let screen = area(&scene.places[&remote("a", Source::Screen)]);
        assert!(scene.places.values().all(|place| area(place) <= screen));
    }
}
