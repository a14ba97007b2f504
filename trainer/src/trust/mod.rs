//! Fits what a model needs to say how far its answers can be trusted, and measures how well it does.
//!
//! The scores themselves are the model crate's (`scanlight_model::trust`), so that the page computes
//! the same.

mod axes;
mod candidates;
mod doubt;
mod draw;
mod fit;
mod foreign;
mod judge;
mod outputs;
mod strange;

pub use fit::{FitWork, Fitted, fit};
pub use judge::{TrustReport, judge_answers};
pub use outputs::{OutputsWork, view_outputs};
