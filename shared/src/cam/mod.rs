//! Class-activation maps: where the network looked.
//!
//! [`CamMethod`] names the methods; [`Pipeline::explain`](crate::classify::Pipeline::explain)
//! computes any of them. `classify` gives Grad-CAM with its answer, since that costs next to nothing.
//!
//! All architectures end in global average pooling and dense layers. The gradient of a logit with
//! respect to the feature maps is therefore the same everywhere in a map and has a closed form
//! ([`Head::logits_and_gradients`](crate::arch::Head::logits_and_gradients)): one pass gives the
//! maps of all classes, without hooks and without automatic differentiation. It also means that
//! **Grad-CAM and HiResCAM are the same map** here: they differ only in whether the gradient is
//! averaged over the plane before it is multiplied with the features.
//!
//! | module | what |
//! |---|---|
//! | `method` | the methods' names, papers and costs |
//! | `activations` | features, gradients and logits of one input, off the device |
//! | `gradient` | Grad-CAM, HiResCAM, Grad-CAM++, LayerCAM |
//! | `eigen` | EigenCAM |
//! | `score` | ScoreCAM's masks and sum (its passes are in [`crate::trials`]) |
//! | `random` | the floor that every method has to beat |
//! | `map` | a finished map, and its way back onto the original image |
//! | `spot` | a map in numbers, for its text alternative |
//! | `colour` | the heatmap's colours |

mod activations;
mod colour;
mod eigen;
mod gradient;
mod map;
mod method;
mod random;
mod score;
mod spot;

pub use activations::Activations;
pub use colour::{ColourMap, blend, colour};
pub use map::ClassMap;
pub use method::{CamCost, CamMethod, UnknownCamMethod};
pub use random::random_map;
pub use spot::{Spot, extent, is_cut_out, spots};
