//! What a file may cost. Every size that a file states is held against these before memory is taken.

/// The longest side, in pixels, of an image that is accepted.
pub const MAX_SIDE: u32 = 16_384;
/// The most pixels of an image that is accepted.
pub const MAX_PIXELS: u64 = 64 * 1024 * 1024;
/// The most memory, in bytes, that decoding one image may take.
pub const MAX_DECODE_BYTES: u64 = 768 * 1024 * 1024;
/// The most voxels of one volume or of one file's frames together: half a gigabyte as `f32`.
pub const MAX_VOXELS: u64 = 128 * 1024 * 1024;
/// The most pixels of everything that is read in one go.
pub const MAX_STUDY_PIXELS: u64 = 256 * 1024 * 1024;
/// The most bytes of a DICOM file's attributes, without its pixels.
pub const MAX_DICOM_ATTRIBUTES: usize = 16 * 1024 * 1024;
/// How deep sequences may be nested in a DICOM file.
pub const MAX_DICOM_NESTING: usize = 16;
/// The most frames of a DICOM file.
pub const MAX_FRAMES: u32 = 65_536;
/// The most files of an archive.
pub const MAX_ARCHIVE_FILES: usize = 20_000;
/// The most bytes that an archive's files, or one compressed file, may unpack to.
pub const MAX_UNPACKED_BYTES: u64 = 1024 * 1024 * 1024;
/// The most bytes of one file of an archive.
pub const MAX_UNPACKED_FILE_BYTES: u64 = 768 * 1024 * 1024;
