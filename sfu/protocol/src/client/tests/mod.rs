//! Sessions against scripted servers and a browser that does what it is told.

mod chaos;
mod dual;
mod joining;
mod media;
mod publishing;
mod recovery;
mod script;
