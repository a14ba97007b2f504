//! Scanlight's model crate: everything that the native trainer and the page must agree on.
//!
//! A scan travels through the modules in this order:
//!
//! 1. [`decode`]: bytes of an image file to a [`Scan`] (grey pixels of any size and depth); [`formats`] reads DICOM,
//!    NIfTI and archives too, behind features,
//! 2. [`preprocess`]: a [`Scan`] to the network's input tensor, with the [`geometry`] to get back,
//! 3. [`arch`]: the networks, split into `features()` and `head()`,
//! 4. [`cam`]: class-activation maps from the features and the head's gradient,
//! 5. [`classify`]: the steps above in one call, over the weights of a [`bundle`],
//! 6. [`explain`]: maps by any other method, for the same input,
//! 7. [`trials`]: maps from many passes over changed inputs, occlusion among them,
//! 8. [`layers`]: what the network's blocks make of an input,
//! 9. [`trust`]: how sure the answer is, and whether the picture is like the training images,
//! 10. `tune` (feature of its name): the last layer, trained further on a few scans of one's own.
//!
//! A [`runner`] computes the network: burn on any of its backends, or [`direct`], which needs none. The
//! crate is generic over the burn backend, compiles natively and to `wasm32-unknown-unknown`,
//! opens no files and starts no threads.

pub mod arch;
pub mod bundle;
pub mod cam;
pub mod classify;
pub mod direct;
pub mod explain;
pub mod geometry;
pub mod layers;
pub mod preprocess;
pub mod runner;
pub mod trials;
pub mod trust;
#[cfg(feature = "tune")]
pub mod tune;

pub use scanlight_formats::{self as formats, decode, scan};
pub use scanlight_measures::labels;

pub use scan::Scan;
