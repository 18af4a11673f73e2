//! The packet path between simulated clients that have their keys already, in fake time.

mod forwarding;
mod hostile;
mod layers;
mod lab;
mod lossy;
mod reports;
mod whole;
