//! A bundle among the files that were dropped: `model.json` beside its weights.

use super::{Dropped, LARGEST};
use crate::language::Line;
use crate::model::Manifest;
use crate::state::Desk;
use crate::{fetch, language::Piece};
use js_sys::Uint8Array;
use scanlight_engine::wire;

const MANIFEST: &str = "model.json";
const ENDING: &str = ".safetensors";

/// Whether these files are a bundle, or a part of one: no scan is called so.
pub fn is_bundle<'a>(paths: impl IntoIterator<Item = &'a str>) -> bool {
    paths.into_iter().any(is_part)
}

/// Whether a file called so belongs to a bundle.
pub fn is_part(path: &str) -> bool {
    let name = parts(path).1;
    name == MANIFEST || name.ends_with(ENDING)
}

/// Folder and name.
fn parts(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Reads the bundle and hands it to the page.
pub async fn take(desk: Desk, files: Vec<Dropped>) {
    match read(&files).await {
        Ok((manifest, weights)) => desk.use_own(manifest, weights),
        Err(reason) => desk.complain(Line::new("models.own_refused").with("reason", reason)),
    }
}

async fn read(files: &[Dropped]) -> Result<(Uint8Array, Uint8Array), Piece> {
    let found = files.iter().find(|file| parts(&file.path).1 == MANIFEST);
    let Some(found) = found else {
        return Err(Line::new("models.no_manifest").into());
    };
    let manifest = bytes(found).await?;
    let parsed: Manifest =
        fetch::json(MANIFEST, &manifest).map_err(|error| Piece::from(error.line()))?;
    let folder = parts(&found.path).0;
    let weights = files
        .iter()
        .find(|file| parts(&file.path) == (folder, parsed.weights.file.as_str()));
    match weights {
        Some(weights) => Ok((manifest, bytes(weights).await?)),
        None => Err(Line::new("models.no_weights")
            .with("file", parsed.weights.file)
            .into()),
    }
}

async fn bytes(file: &Dropped) -> Result<Uint8Array, Piece> {
    let name = parts(&file.path).1;
    if file.size() > LARGEST {
        return Err(Line::new("models.too_large").with("name", name).into());
    }
    file.bytes().await.map_err(|error| {
        Line::new("models.unreadable")
            .with("name", name)
            .with("reason", wire::describe(&error).trim_end_matches('.'))
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn bundles_are_told_by_their_names() {
        assert!(is_bundle([
            "runs/mine/model.json",
            "runs/mine/model.safetensors"
        ]));
        assert!(is_bundle(["model.safetensors"]));
        assert!(!is_bundle(["scan.png", "my-model.json.png"]));
    }
}
