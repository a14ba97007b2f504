//! Reads one file after another and puts together what belongs together.

use super::names::{clean_name, skip_reason};
use super::{Content, Failure, Item, SkipReason, Skipped, Study};
use crate::detect::{FileKind, detect};
use crate::error::ReadError;
use crate::limits::MAX_STUDY_PIXELS;
use crate::scan::Scan;

/// Collects what the files hold.
pub struct Reader {
    #[cfg_attr(
        not(feature = "nifti"),
        expect(dead_code, reason = "only NIfTI files have them")
    )]
    time_point: usize,
    /// Items with the number of their first file.
    pub(super) items: Vec<(usize, Item)>,
    study: Study,
    /// Names of all files, in the order of reading.
    pub(super) names: Vec<String>,
    pixels_left: u64,
    /// Frames of DICOM files, put together at the end.
    #[cfg(feature = "dicom")]
    pub(super) series: super::series::Series,
}

impl Reader {
    pub fn new(time_point: usize) -> Self {
        Self {
            time_point,
            items: Vec::new(),
            study: Study::default(),
            names: Vec::new(),
            pixels_left: MAX_STUDY_PIXELS,
            #[cfg(feature = "dicom")]
            series: super::series::Series::default(),
        }
    }

    /// Reads one file; an archive's files each.
    pub fn add(&mut self, name: &str, bytes: &[u8]) {
        if let Some(reason) = skip_reason(name) {
            self.skip(clean_name(name), reason);
        } else if detect(bytes) == FileKind::Zip {
            self.archive(&clean_name(name), bytes);
        } else {
            self.file(clean_name(name), bytes);
        }
    }

    #[cfg(feature = "archive")]
    fn archive(&mut self, name: &str, bytes: &[u8]) {
        let mut skipped = Vec::new();
        let result = crate::archive::unpack(
            bytes,
            |inner| {
                let reason = skip_reason(inner);
                skipped.extend(reason.map(|reason| Skipped {
                    name: format!("{name}/{}", clean_name(inner)),
                    reason,
                }));
                reason.is_none()
            },
            |inner, unpacked| {
                let inner = format!("{name}/{}", clean_name(inner));
                match unpacked {
                    Ok(bytes) => self.file(inner, bytes),
                    Err(error) => self.fail(inner, error.into()),
                }
            },
        );
        self.study.skipped.append(&mut skipped);
        if let Err(error) = result {
            self.fail(name.to_owned(), error.into());
        }
    }

    #[cfg(not(feature = "archive"))]
    fn archive(&mut self, name: &str, _: &[u8]) {
        self.fail(name.to_owned(), ReadError::NotBuilt { kind: "zip" });
    }

    pub(super) fn skip(&mut self, name: String, reason: SkipReason) {
        self.study.skipped.push(Skipped { name, reason });
    }

    pub(super) fn fail(&mut self, name: String, error: ReadError) {
        self.study.failures.push(Failure { name, error });
    }

    /// Reads a file that is no archive.
    fn file(&mut self, name: String, bytes: &[u8]) {
        let source = self.names.len();
        self.names.push(name.clone());
        match self.content(source, &name, bytes) {
            Ok(()) => {}
            Err(ReadError::Directory) => self.skip(name, SkipReason::Index),
            Err(error) => self.fail(name, error),
        }
    }

    fn content(&mut self, source: usize, name: &str, bytes: &[u8]) -> Result<(), ReadError> {
        let kind = detect(bytes);
        let (content, time_points) = match kind {
            FileKind::Dicom => return self.dicom(source, name, bytes),
            FileKind::Nifti | FileKind::NiftiGz => self.nifti(bytes)?,
            kind => {
                let scan = picture(kind, bytes)?;
                self.pay(scan.luma().len() as u64)?;
                (Content::Picture(scan), 1)
            }
        };
        let item = Item {
            name: name.to_owned(),
            sources: vec![name.to_owned()],
            kind,
            content,
            edges: None,
            identifying: Vec::new(),
            time_points,
        };
        self.items.push((source, item));
        Ok(())
    }

    /// Counts pixels, before or right after they take memory.
    pub(super) fn pay(&mut self, pixels: u64) -> Result<(), ReadError> {
        self.pixels_left = self
            .pixels_left
            .checked_sub(pixels)
            .ok_or(ReadError::TooMuch)?;
        Ok(())
    }

    #[cfg(feature = "nifti")]
    fn nifti(&mut self, bytes: &[u8]) -> Result<(Content, usize), ReadError> {
        let file = crate::nifti::NiftiFile::parse(bytes)?;
        self.pay(file.dims().iter().map(|side| *side as u64).product())?;
        let volume = file.volume(self.time_point)?;
        Ok((Content::Volume(Box::new(volume)), file.time_points()))
    }

    #[cfg(not(feature = "nifti"))]
    fn nifti(&mut self, _: &[u8]) -> Result<(Content, usize), ReadError> {
        Err(ReadError::NotBuilt { kind: "NIfTI" })
    }

    #[cfg(not(feature = "dicom"))]
    fn dicom(&mut self, _: usize, _: &str, _: &[u8]) -> Result<(), ReadError> {
        Err(ReadError::NotBuilt { kind: "DICOM" })
    }

    /// All that was read.
    pub fn finish(mut self) -> Study {
        #[cfg(feature = "dicom")]
        self.put_together();
        self.items.sort_by_key(|(source, _)| *source);
        self.study.items = self.items.into_iter().map(|(_, item)| item).collect();
        self.study
    }
}

/// A picture, or why the file is none.
fn picture(kind: FileKind, bytes: &[u8]) -> Result<Scan, ReadError> {
    match kind {
        _ if bytes.is_empty() => Err(ReadError::Empty),
        FileKind::Pair => Err(ReadError::Pair),
        FileKind::Gzip => Err(ReadError::Gzip),
        FileKind::Zip => Err(ReadError::Archive {
            place: "in an archive",
        }),
        #[cfg(feature = "images")]
        kind if kind.is_image() => Ok(crate::decode::decode(bytes)?),
        #[cfg(not(feature = "images"))]
        kind if kind.is_image() => Err(ReadError::NotBuilt { kind: kind.name() }),
        _ => Err(ReadError::Unknown),
    }
}

/// See [`super::read_scan`].
pub fn read_scan(bytes: &[u8]) -> Result<Scan, ReadError> {
    let scan = match detect(bytes) {
        FileKind::Dicom => dicom_scan(bytes)?,
        FileKind::Nifti | FileKind::NiftiGz => nifti_scan(bytes)?,
        FileKind::Zip => {
            return Err(ReadError::Archive {
                place: "where one picture is wanted",
            });
        }
        kind => picture(kind, bytes)?,
    };
    Ok(scan.to_square_pixels()?)
}

#[cfg(feature = "dicom")]
fn dicom_scan(bytes: &[u8]) -> Result<Scan, ReadError> {
    let file = crate::dicom::DicomFile::parse(bytes)?;
    Ok(file.scan(file.frames() / 2)?)
}

#[cfg(not(feature = "dicom"))]
fn dicom_scan(_: &[u8]) -> Result<Scan, ReadError> {
    Err(ReadError::NotBuilt { kind: "DICOM" })
}

#[cfg(feature = "nifti")]
fn nifti_scan(bytes: &[u8]) -> Result<Scan, ReadError> {
    use crate::volume::Plane;

    let volume = crate::nifti::NiftiFile::parse(bytes)?.volume(0)?;
    volume.slice(Plane::Axial, volume.middle(Plane::Axial))
}

#[cfg(not(feature = "nifti"))]
fn nifti_scan(_: &[u8]) -> Result<Scan, ReadError> {
    Err(ReadError::NotBuilt { kind: "NIfTI" })
}
