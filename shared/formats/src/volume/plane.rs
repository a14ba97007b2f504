//! The three planes, and what is where in a picture of each.

/// A plane through the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Plane {
    /// Across the body's axis; counted from below.
    #[default]
    Axial,
    /// Parallel to the face; counted from behind.
    Coronal,
    /// Parallel to the side of the head; counted from the patient's left.
    Sagittal,
}

impl Plane {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }

    /// The canonical axis (0 = x, 1 = y, 2 = z) on which its slices lie one after another.
    pub fn axis(self) -> usize {
        match self {
            Self::Axial => 2,
            Self::Coronal => 1,
            Self::Sagittal => 0,
        }
    }

    /// The canonical axes that run along a picture's rows and down its columns; both backwards (see
    /// [`Edges`]).
    pub fn picture_axes(self) -> (usize, usize) {
        match self {
            Self::Axial => (0, 1),
            Self::Coronal => (0, 2),
            Self::Sagittal => (1, 2),
        }
    }

    /// What is at the edges of its pictures.
    pub fn edges(self) -> Edges {
        let (left, right, top, bottom) = match self {
            Self::Axial => ('R', 'L', 'A', 'P'),
            Self::Coronal => ('R', 'L', 'S', 'I'),
            Self::Sagittal => ('A', 'P', 'S', 'I'),
        };
        Edges {
            left,
            right,
            top,
            bottom,
        }
    }
}

impl std::fmt::Display for Plane {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.name())
    }
}

/// The letters at a picture's edges: R and L for the patient's right and left, A and P for anterior and
/// posterior, S and I for superior and inferior.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edges {
    /// At the left edge.
    pub left: char,
    /// At the right edge.
    pub right: char,
    /// At the top.
    pub top: char,
    /// At the bottom.
    pub bottom: char,
}
