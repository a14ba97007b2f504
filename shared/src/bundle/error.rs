//! Why a bundle is refused.

use thiserror::Error;

use crate::arch::ArchitectureError;

/// Why a bundle (`model.json` and its weights) is refused; each message is one line.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The manifest is over the size limit.
    #[error("the manifest has {found} bytes, more than the {limit} allowed; this is no model.json")]
    ManifestTooLarge {
        /// Size in bytes.
        found: u64,
        /// Largest size in bytes.
        limit: u64,
    },
    /// The manifest is not JSON, or lacks a field, or has one of the wrong kind.
    #[error("the manifest is not valid: {reason}")]
    Manifest {
        /// What the parser said, with line and column.
        reason: String,
    },
    /// The file is JSON of something else.
    #[error("this is no Scanlight model: \"format\" is {found}, expected \"{expected}\"")]
    NotABundle {
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// The bundle was made for another version of this program.
    #[error(
        "the bundle has format version {found}, but this program reads version {oldest} to {newest}; publish the model again with a matching scanlight"
    )]
    Version {
        /// The bundle's version.
        found: u64,
        /// Oldest version that is read.
        oldest: u64,
        /// Newest version that is read.
        newest: u64,
    },
    /// The architecture's sizes make no network.
    #[error("the architecture in the manifest makes no network: {0}")]
    Architecture(#[from] ArchitectureError),
    /// The class list has an empty or repeated name.
    #[error("the class list in the manifest is faulty: {reason}")]
    Classes {
        /// What is wrong.
        reason: String,
    },
    /// A number in the manifest is out of its range.
    #[error("{field} in the manifest is {found}, but must be {expected}")]
    Value {
        /// The field.
        field: &'static str,
        /// Its value.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// The weights' file name has a folder in it.
    #[error("the weights' file name {found:?} must be a plain name in the bundle's own folder")]
    FileName {
        /// The name.
        found: String,
    },
    /// The weights are longer or shorter than the manifest says.
    #[error("the weights have {found} bytes, but the manifest says {expected}: the file is {} or belongs to another model", if found < expected { "cut off" } else { "too long" })]
    Size {
        /// Bytes found.
        found: u64,
        /// Bytes expected.
        expected: u64,
    },
    /// The weights are over the size limit.
    #[error("the weights have {found} bytes, more than the {limit} allowed")]
    TooLarge {
        /// Size in bytes.
        found: u64,
        /// Largest size in bytes.
        limit: u64,
    },
    /// The weights differ from those that were published.
    #[error(
        "the weights do not match the manifest (SHA-256 {found}, expected {expected}): the file is damaged or belongs to another model"
    )]
    Hash {
        /// Hash found, hexadecimal.
        found: String,
        /// Hash expected, hexadecimal.
        expected: String,
    },
    /// The weights are no safetensors file.
    #[error("the weights are not a valid safetensors file: {reason}")]
    Weights {
        /// What the reader said.
        reason: String,
    },
    /// The network needs a tensor that is not there.
    #[error("the weights lack the tensor {name:?}, which the architecture needs")]
    MissingTensor {
        /// Its name.
        name: String,
    },
    /// A tensor is there that the network does not have.
    #[error("the weights hold a tensor {name:?}, which the architecture does not have")]
    UnexpectedTensor {
        /// Its name.
        name: String,
    },
    /// A tensor has another shape than the network's.
    #[error("the tensor {name:?} has shape {found:?}, but the architecture needs {expected:?}")]
    Shape {
        /// Its name.
        name: String,
        /// Shape found.
        found: Vec<usize>,
        /// Shape needed.
        expected: Vec<usize>,
    },
    /// A tensor's numbers are of a kind that is not read.
    #[error("the tensor {name:?} holds {found} numbers; F32, F16 and, with scales, I8 are read")]
    DataType {
        /// Its name.
        name: String,
        /// Kind found.
        found: String,
    },
    /// Rounded weights without the scales that they need.
    #[error(
        "the tensor {name:?} holds rounded weights, but {name}{} is not one scale for each of its rows",
        super::quantised::SCALE
    )]
    Scales {
        /// Its name.
        name: String,
    },
    /// A weight is not a finite number.
    #[error(
        "the tensor {name:?} holds a value that is not finite: the training that made it diverged"
    )]
    NotFinite {
        /// Its name.
        name: String,
    },
}
