//! DICOM files of a study: read one by one, put together at the end.

use std::collections::HashMap;

use super::names::common;
use super::reader::Reader;
use super::{Content, Item, SkipReason};
use crate::detect::FileKind;
use crate::dicom::{DicomError, DicomFile, Group, Slice, group};
use crate::error::ReadError;
use crate::identity::IdentifyingTag;

/// What DICOM files held.
#[derive(Default)]
pub struct Series {
    slices: Vec<Slice>,
    /// The first frame, by the identifier of its picture.
    known: HashMap<String, usize>,
    /// By the number of the file.
    identifying: HashMap<usize, Vec<IdentifyingTag>>,
}

impl Reader {
    /// Reads a DICOM file; what its frames belong to shows at the end.
    pub(super) fn dicom(
        &mut self,
        source: usize,
        name: &str,
        bytes: &[u8],
    ) -> Result<(), ReadError> {
        let file = DicomFile::parse(bytes).map_err(|error| match error {
            DicomError::Directory => ReadError::Directory,
            error => error.into(),
        })?;
        if self.is_copy(&file) {
            self.skip(name.to_owned(), SkipReason::Copy);
            return Ok(());
        }
        self.pay(file.frames() as u64 * file.shape().pixels() as u64)?;
        let (mut read, mut failed) = (0, None);
        for frame in 0..file.frames() {
            match (file.scan(frame), file.info(frame)) {
                (Ok(scan), Some(info)) => {
                    read += 1;
                    if let Some(uid) = file.instance_uid() {
                        let next = self.series.slices.len();
                        self.series.known.entry(uid.to_owned()).or_insert(next);
                    }
                    self.series.slices.push(Slice {
                        scan,
                        info: info.clone(),
                        series: file.series_uid().map(str::to_owned),
                        instance: file.instance_number(),
                        source,
                    });
                }
                (Err(error), _) if failed.is_none() => failed = Some(error),
                _ => {}
            }
        }
        self.series
            .identifying
            .insert(source, file.identifying().to_vec());
        if let Some(error) = failed {
            // What could be decoded stays.
            return Err(error.into());
        }
        if file.missing_frames() > 0 && read > 0 {
            self.fail(
                name.to_owned(),
                DicomError::MissingFrames {
                    found: read,
                    expected: read + file.missing_frames(),
                }
                .into(),
            );
        }
        Ok(())
    }

    /// Whether a file of one frame has the identifier and the pixels of one before it: copies in a folder
    /// would spoil the order of a series.
    fn is_copy(&self, file: &DicomFile) -> bool {
        let known = file
            .instance_uid()
            .filter(|_| file.frames() == 1)
            .and_then(|uid| self.series.known.get(uid))
            .and_then(|index| self.series.slices.get(*index));
        known.is_some_and(|slice| {
            file.scan(0)
                .is_ok_and(|scan| scan.luma() == slice.scan.luma())
        })
    }

    /// Puts series together.
    pub(super) fn put_together(&mut self) {
        for group in group(std::mem::take(&mut self.series.slices)) {
            let edges = |slice: &Slice| slice.info.place.map(|place| place.edges());
            let (content, sources, edges) = match group {
                Group::Single(slice) => {
                    let edges = edges(&slice);
                    (Content::Picture(slice.scan), vec![slice.source], edges)
                }
                Group::Volume(volume, sources) => (Content::Volume(volume), sources, None),
                Group::Stack(slices) => {
                    let mut sources: Vec<usize> = slices.iter().map(|s| s.source).collect();
                    sources.dedup();
                    // All of a group lie in the same direction.
                    let edges = slices.first().and_then(edges);
                    let scans = slices.into_iter().map(|slice| slice.scan).collect();
                    (Content::Stack(scans), sources, edges)
                }
            };
            let first = sources.iter().copied().min().unwrap_or_default();
            let mut identifying: Vec<IdentifyingTag> = Vec::new();
            for tag in sources
                .iter()
                .filter_map(|s| self.series.identifying.get(s))
                .flatten()
            {
                // Of a series the first file's word stands for all.
                if !identifying.iter().any(|known| known.tag == tag.tag) {
                    identifying.push(tag.clone());
                }
            }
            let sources: Vec<String> = sources
                .iter()
                .filter_map(|source| self.names.get(*source).cloned())
                .collect();
            let item = Item {
                name: common(&sources),
                sources,
                kind: FileKind::Dicom,
                content,
                edges,
                identifying,
                time_points: 1,
            };
            self.items.push((first, item));
        }
    }
}
