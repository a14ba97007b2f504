//! What in a file says who the patient is.

/// An identifying attribute that a file holds.
///
/// For the screen only: a value never goes into anything that is saved or exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentifyingTag {
    /// Its number, group and element.
    pub tag: (u16, u16),
    /// Its name in the standard, such as `PatientName`.
    pub keyword: &'static str,
    /// What it says.
    pub value: String,
}

impl IdentifyingTag {
    /// Its number as it is usually written: `(0010,0010)`.
    pub fn number(&self) -> String {
        format!("({:04X},{:04X})", self.tag.0, self.tag.1)
    }
}
