//! Inference on the CPU without a burn backend.
//!
//! The networks of [`crate::arch`] for one purpose: an answer with its feature maps, on one thread, from
//! a program as small as can be. Batch norm is multiplied into the convolutions when the weights are
//! read, and each layer writes into memory that the next ones use again. Everything is safe Rust in
//! loops that the compiler turns into vector instructions (wasm's SIMD too). burn's networks remain what
//! trains and what defines the right answer: tests hold this path to them.
//!
//! | module | what |
//! |---|---|
//! | `planes` | feature maps in memory |
//! | `gemm` | the matrix product that convolutions come down to |
//! | `conv`, `winograd`, `depthwise` | convolutions: general, 3 x 3 with stride 1, by channel |
//! | `window`, `activation` | where a kernel lies, what follows it |
//! | `blend` | pooling, attention, sums |
//! | `dense` | dense layers, the head and its gradients |
//! | `reader` | layers from a weights file |
//! | `plan`, `builder` | architectures as lists of steps |
//! | `run`, `scratch` | the steps carried out |

mod activation;
mod blend;
mod builder;
mod conv;
mod dense;
mod depthwise;
mod gemm;
mod plan;
mod planes;
mod reader;
mod run;
mod scratch;
#[cfg(test)]
mod tests;
mod window;
mod winograd;

use std::sync::{Mutex, PoisonError};

use crate::bundle::{BundleError, Manifest};
use crate::cam::Activations;
use crate::classify::ClassifyError;
use crate::layers::Layer;
use crate::runner::Runner;

/// A network on the CPU, ready to run.
#[derive(Debug)]
pub struct DirectRunner {
    plan: run::Plan,
    memory: Mutex<run::Memory>,
}

impl DirectRunner {
    /// The network that a validated manifest names, with the weights of a safetensors file.
    ///
    /// Names, shapes and kinds of numbers must be exactly those of the architecture, and every value
    /// finite.
    pub fn new(manifest: &Manifest, weights: &[u8]) -> Result<Self, BundleError> {
        let classes = manifest.classes.len();
        let plan = plan::plan(&manifest.architecture, classes, &manifest.input, weights)?;
        Ok(Self {
            plan,
            memory: Mutex::default(),
        })
    }

    /// Channels of the feature maps.
    pub fn channels(&self) -> usize {
        self.plan.channels()
    }

    /// Features, gradients and logits of one normalised input plane, row-major, of the manifest's width
    /// and height.
    pub fn run(&self, plane: &[f32]) -> Result<Activations, ClassifyError> {
        self.with_memory(plane, |memory| self.plan.run(plane, memory))
    }

    /// `run` with memory for an input of the right size; `None` from it is a value that is not finite.
    fn with_memory<T>(
        &self,
        plane: &[f32],
        run: impl FnOnce(&mut run::Memory) -> Option<T>,
    ) -> Result<T, ClassifyError> {
        let expected = self.plan.plane[0] * self.plan.plane[1];
        if plane.len() != expected {
            return Err(ClassifyError::Backend {
                backend: self.name(),
                reason: format!("an input has {} values, not {expected}", plane.len()),
            });
        }
        // After a panic elsewhere the memory is as good as before: each run writes what it reads.
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        run(&mut memory).ok_or_else(|| ClassifyError::NotFinite {
            backend: self.name(),
        })
    }
}

impl Runner for DirectRunner {
    fn name(&self) -> String {
        "direct".into()
    }

    async fn activations(&self, planes: &[&[f32]]) -> Result<Vec<Activations>, ClassifyError> {
        planes.iter().map(|plane| self.run(plane)).collect()
    }

    async fn layers(&self, plane: &[f32]) -> Result<Vec<Layer>, ClassifyError> {
        self.with_memory(plane, |memory| self.plan.layers(plane, memory))
    }
}
