//! Why a file is not there, in the protocol's words.

use scanlight_engine::protocol::Complaint;
use scanlight_engine::wire::one_line;
use scanlight_formats::ReadError;
use scanlight_formats::archive::ArchiveError;
use scanlight_formats::decode::{DecodeError, MAX_PIXELS, MAX_SIDE};
use scanlight_formats::dicom::DicomError;
use scanlight_formats::limits::MAX_STUDY_PIXELS;
use scanlight_formats::nifti::NiftiError;
use scanlight_formats::study::SkipReason;

/// Why a file cannot be read. What is common has a message in every language; the rest is in the decoder's own words.
pub fn complaint(error: &ReadError) -> Complaint {
    let format = |format: &str| ("format", format.to_owned());
    let damaged = |name: &str, reason: &str| {
        let reason = ("reason", reason.to_owned());
        ("damaged", vec![format(name), reason])
    };
    let (code, values) = match error {
        ReadError::Empty => ("no_bytes", vec![]),
        ReadError::Unknown => ("no_scan", vec![]),
        ReadError::Pair => ("pair", vec![]),
        ReadError::Gzip => ("gzip", vec![]),
        ReadError::Archive { .. } => ("archive", vec![]),
        ReadError::TooMuch => (
            "too_much",
            vec![("millions", (MAX_STUDY_PIXELS / 1_000_000).to_string())],
        ),
        ReadError::Image(error) => picture(error),
        ReadError::Dicom(DicomError::NoPixels { what }) => {
            ("no_pixels", vec![("what", what.clone())])
        }
        ReadError::Dicom(DicomError::Truncated { .. } | DicomError::MissingFrames { .. }) => {
            ("cut_off", vec![format("DICOM")])
        }
        ReadError::Nifti(NiftiError::Truncated { .. }) => ("cut_off", vec![format("NIfTI")]),
        ReadError::Dicom(DicomError::Damaged(reason)) => damaged("DICOM", reason),
        ReadError::Nifti(NiftiError::Gzip(reason)) => damaged("NIfTI", reason),
        ReadError::Zip(ArchiveError::Damaged(reason)) => damaged("zip", reason),
        rest => ("unreadable", vec![("reason", rest.to_string())]),
    };
    said(code, values, &error.to_string())
}

/// Why a file was passed over on purpose.
pub fn passed_over(reason: SkipReason) -> Complaint {
    let code = match reason {
        SkipReason::Clutter => "clutter",
        SkipReason::Index => "index",
        SkipReason::Copy => "copy",
    };
    said(code, vec![], reason.text())
}

/// As the engines say it of a picture that comes alone.
fn picture(error: &DecodeError) -> (&'static str, Vec<(&'static str, String)>) {
    match error {
        DecodeError::UnsupportedFormat { format } => ("format", vec![("format", format.clone())]),
        DecodeError::Animated { format } => ("animated", vec![("format", (*format).into())]),
        DecodeError::TooLarge { width, height } => (
            "too_large",
            vec![
                ("width", width.to_string()),
                ("height", height.to_string()),
                ("side", MAX_SIDE.to_string()),
                ("millions", (MAX_PIXELS / 1_000_000).to_string()),
            ],
        ),
        DecodeError::Cmyk => ("cmyk", vec![]),
        DecodeError::Damaged { format, reason } => (
            "damaged",
            vec![("format", format.clone()), ("reason", reason.clone())],
        ),
        DecodeError::Empty => ("no_bytes", vec![]),
        DecodeError::UnknownFormat => ("no_scan", vec![]),
        DecodeError::Scan(error) => ("unreadable", vec![("reason", error.to_string())]),
    }
}

fn said(code: &str, values: Vec<(&str, String)>, message: &str) -> Complaint {
    Complaint {
        code: code.into(),
        values: values
            .into_iter()
            .map(|(name, value)| (name.into(), one_line(&value)))
            .collect(),
        message: one_line(message),
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;
    use scanlight_formats::read_files;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn reasons_have_codes_and_one_line() {
        let mut nifti = vec![0; 360];
        nifti[..4].copy_from_slice(&348_i32.to_le_bytes());
        for (place, value) in [(40, 3_i16), (42, 8), (44, 8), (46, 8), (70, 4), (72, 16)] {
            nifti[place..place + 2].copy_from_slice(&value.to_le_bytes());
        }
        nifti[108..112].copy_from_slice(&352_f32.to_le_bytes());
        nifti[344..348].copy_from_slice(b"n+1\0");
        let files: [(&str, &[u8], &str); 5] = [
            ("empty", b"", "no_bytes"),
            ("diary", b"Dear diary, today I saw a doctor", "no_scan"),
            ("cut.nii", &nifti, "cut_off"),
            ("cut.zip", b"PK\x03\x04 and then nothing at all", "damaged"),
            ("cut.png", b"\x89PNG\r\n\x1a\n", "damaged"),
        ];
        let study = read_files(files.map(|(name, bytes, _)| (name, bytes)));
        assert_eq!(study.failures.len(), files.len());
        for (failure, (name, _, code)) in study.failures.iter().zip(files) {
            assert_eq!(failure.name, name);
            let complaint = complaint(&failure.error);
            assert_eq!(complaint.code, code, "{name}: {}", failure.error);
            assert!(!complaint.message.is_empty() && !complaint.message.contains('\n'));
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_is_passed_over_says_why() {
        let study = read_files([("__MACOSX/._a.png", b"junk".as_slice()), ("DICOMDIR", b"x")]);
        let codes: Vec<String> = study
            .skipped
            .iter()
            .map(|skipped| passed_over(skipped.reason).code)
            .collect();
        assert_eq!(codes, ["clutter", "index"]);
    }
}
