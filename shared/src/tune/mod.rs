//! Personalising: the last layer of a published network trained further on a few scans of one's own.
//!
//! Everything before the last layer stays as it is, so each scan goes through the network once, in a few
//! slightly changed [views](crate::trust::tta), and training is a matter of a small matrix. In order:
//!
//! 1. [`Parent`]: a bundle, and what its network makes of a scan ([`Example`]),
//! 2. [`Rounds`]: who is held out when,
//! 3. [`Training`]: all heads at once, by burn's automatic differentiation,
//! 4. [`Outcome`]: the new layer, the curve, and how often it was right on scans that it had not seen,
//! 5. [`child`]: the bundle, whose manifest says all of that.
//!
//! The classes stay the parent's.

mod child;
mod heads;
mod outcome;
mod parent;
mod rounds;
mod spread;

pub use child::{Child, Making, Strangeness, child};
pub use heads::{Point, Training};
pub use outcome::{HeldOut, Outcome, Score};
pub use parent::{Example, Parent};
pub use rounds::Rounds;

use serde::Serialize;
use thiserror::Error;

use crate::bundle::BundleError;
use crate::classify::ClassifyError;
use crate::trust::tta::View;

/// So many scans a class needs at least, in so many classes.
pub const LEAST: usize = 2;

/// Why a network cannot be personalised.
#[derive(Debug, Error)]
pub enum TuneError {
    /// The parent is damaged, or its child would be.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The network could not run.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// Too few scans in too few classes.
    #[error(
        "{classes} of the classes have {LEAST} scans or more; at least {LEAST} classes need that many"
    )]
    TooFew {
        /// Classes with enough scans.
        classes: usize,
    },
    /// A scan of a class that the model does not have.
    #[error("a scan is said to be of class {class}, but the model has {classes} classes")]
    Class {
        /// Its index.
        class: usize,
        /// How many there are.
        classes: usize,
    },
    /// The numbers grew beyond all bounds.
    #[error("training led to numbers that are not finite; a smaller rate would help")]
    NotFinite,
    /// The backend gave something else than was asked for.
    #[error("the backend gave its numbers in an unknown form: {0}")]
    Backend(String),
}

/// How to train.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recipe {
    /// Steps at most, each over all scans. Training ends earlier where they gain nothing more; what is held out has
    /// no say in that, so that the numbers on it stay honest.
    pub steps: usize,
    /// Adam's learning rate, times the layer's number of inputs: about what a step may change a logit by.
    pub rate: f64,
    /// How far a logit may be expected to move from the parent's. The penalty on the difference of the weights to
    /// the parent's follows from it (a normal prior of this deviation): the fewer the scans, the stronger.
    pub freedom: f64,
    /// What is learned from each scan, the untouched one first. Answers are measured on that one alone.
    pub views: Vec<View>,
    /// Up to so many scans each is held out alone.
    pub alone: usize,
    /// With more, they are held out in so many rounds.
    pub rounds: usize,
}

impl Default for Recipe {
    fn default() -> Self {
        let view = |mirror, rotation| View {
            mirror,
            rotation,
            ..View::default()
        };
        Self {
            steps: 150,
            rate: 0.25,
            freedom: 3.0,
            views: vec![
                view(false, 0.0),
                view(true, 0.0),
                view(false, 5.0),
                view(true, -5.0),
            ],
            alone: 24,
            rounds: 10,
        }
    }
}
