//! One file of what was dropped, picked or pasted, wherever it lies.

use super::zip::{self, Entry};
use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

/// One file of what was dropped or picked.
#[derive(Debug, Clone)]
pub struct Dropped {
    /// Its path below what was dropped, with `/` between folders; the name alone for a single file.
    pub path: String,
    source: Source,
}

/// Where its bytes are. Nothing of them is in memory.
#[derive(Debug, Clone)]
enum Source {
    /// A file of its own.
    Own(File),
    /// Packed in an archive.
    Packed(File, Entry),
}

impl Dropped {
    /// A file of its own.
    pub fn new(path: impl Into<String>, file: File) -> Self {
        Self {
            path: path.into(),
            source: Source::Own(file),
        }
    }

    /// A file in a zip archive.
    pub fn packed(path: impl Into<String>, archive: File, entry: Entry) -> Self {
        Self {
            path: path.into(),
            source: Source::Packed(archive, entry),
        }
    }

    /// The file, unless it is packed.
    pub fn own(&self) -> Option<&File> {
        match &self.source {
            Source::Own(file) => Some(file),
            Source::Packed(..) => None,
        }
    }

    /// Its bytes, as many as it or the archive says.
    pub fn size(&self) -> f64 {
        match &self.source {
            Source::Own(file) => file.size(),
            // Below 2^32, which a browser's numbers hold exactly.
            #[allow(clippy::cast_precision_loss)]
            Source::Packed(_, entry) => entry.size as f64,
        }
    }

    /// The file; of an archive it is unpacked for it.
    pub async fn file(&self) -> Result<File, JsValue> {
        match &self.source {
            Source::Own(file) => Ok(file.clone()),
            Source::Packed(archive, entry) => zip::unpack(archive, entry).await,
        }
    }

    /// All its bytes.
    pub async fn bytes(&self) -> Result<Uint8Array, JsValue> {
        let buffer = JsFuture::from(self.file().await?.array_buffer()).await?;
        Ok(Uint8Array::new(&buffer))
    }

    /// Its first bytes: so many, or all if there are fewer.
    pub async fn beginning(&self, length: u32) -> Result<Vec<u8>, JsValue> {
        match &self.source {
            Source::Own(file) => zip::slice(file, 0.0, length.into()).await,
            Source::Packed(archive, entry) => zip::beginning(archive, entry, length).await,
        }
    }

    /// For another program of the page: see [`Self::from_js`].
    pub fn to_js(&self) -> JsValue {
        let path = JsValue::from_str(&self.path);
        match &self.source {
            Source::Own(file) => Array::of2(&path, file).into(),
            Source::Packed(archive, entry) => {
                // Nothing in it can fail to be written.
                let entry = serde_json::to_string(entry).unwrap_or_default();
                Array::of3(&path, archive, &entry.into()).into()
            }
        }
    }

    /// What [`Self::to_js`] made.
    pub fn from_js(value: &JsValue) -> Option<Self> {
        let parts: &Array = value.dyn_ref()?;
        let file: File = parts.get(1).dyn_into().ok()?;
        let path = parts.get(0).as_string()?;
        Some(match parts.get(2).as_string() {
            Some(entry) => Self::packed(path, file, serde_json::from_str(&entry).ok()?),
            None => Self::new(path, file),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    async fn a_file_is_the_same_in_the_other_program() {
        let file = File::new_with_str_sequence(&Array::of1(&"0123456789".into()), "x").unwrap();
        let own = Dropped::new("a/x", file);
        let same = Dropped::from_js(&own.to_js()).unwrap();
        assert_eq!((same.path.as_str(), same.size()), ("a/x", 10.0));
        assert_eq!(same.beginning(4).await.unwrap(), b"0123");
        assert_eq!(same.bytes().await.unwrap().to_vec(), b"0123456789");
        assert!(Dropped::from_js(&"x".into()).is_none());
    }
}
