//! What the parts of a network are called.

use std::fmt;

/// A part of a network whose output can be looked at, named as its tensors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockName {
    /// The first convolution, before all blocks.
    Stem,
    /// The block of this index, from 0.
    Block(usize),
    /// The sum of the last two stages.
    Merge,
    /// The convolution behind all blocks.
    HeadConv,
}

impl fmt::Display for BlockName {
    /// What the names of its tensors begin with: `stem`, `blocks.0`, `merge`, `head_conv`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stem => f.write_str("stem"),
            Self::Block(index) => write!(f, "blocks.{index}"),
            Self::Merge => f.write_str("merge"),
            Self::HeadConv => f.write_str("head_conv"),
        }
    }
}
