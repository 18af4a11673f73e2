//! The packet path between simulated clients that have their keys already, in fake time.

mod forwarding;
mod hostile;
mod lab;
mod layers;
mod lossy;
mod reports;
mod whole;
