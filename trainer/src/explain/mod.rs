//! How well class-activation maps show a lesion, and how faithful they are to the network.
//!
//! Against a lesion's box ([`measures`]): the pointing game (Zhang et al. 2018,
//! <https://arxiv.org/abs/1608.00507>), the energy inside the box (Wang et al. 2020,
//! <https://arxiv.org/abs/1910.01279>) and the overlap of the thresholded map with the box. Against the
//! network ([`curves`]): deletion and insertion (Petsiuk et al. 2018, <https://arxiv.org/abs/1806.07421>).

pub mod bootstrap;
pub mod boxes;
pub mod curves;
pub mod measures;
pub mod run;
pub mod sample;
pub mod summary;

pub use measures::LesionBox;
