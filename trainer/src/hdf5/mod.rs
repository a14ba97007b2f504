//! The small part of HDF5 in which Keras stores its models: groups, text attributes and arrays of
//! floats, in the layout that h5py writes by default
//! (<https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t11.html>).

mod attributes;
mod bytes;
mod groups;
mod header;
mod reader;
mod writer;

pub use reader::{File, Object};
pub use writer::Group;

/// What every HDF5 file begins with.
pub const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// The address that stands for none.
const UNDEFINED: u64 = u64::MAX;

/// An attribute's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// One text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
}

#[cfg(test)]
mod tests;
