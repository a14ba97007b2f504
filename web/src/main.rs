//! The page's program. What is reached through [`parts`] alone is cut off by the build, and fetched later.

use scanlight_web::{Annex, annex};

/// The annex did not come.
struct Missing(String);

#[cfg(split)]
impl From<wasm_split_helpers::SplitLoaderError> for Missing {
    fn from(error: wasm_split_helpers::SplitLoaderError) -> Self {
        Self(error.to_string())
    }
}

#[cfg_attr(split, wasm_split_helpers::wasm_split(annex, fallible))]
fn parts() -> Result<Annex, Missing> {
    Ok(annex())
}

fn main() {
    scanlight_web::run(|| {
        Box::pin(async {
            #[cfg(split)]
            let parts = parts().await;
            #[cfg(not(split))]
            let parts = parts();
            parts.map_err(|Missing(reason)| reason)
        })
    });
}
