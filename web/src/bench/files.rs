//! Handing files to the visitor.

use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, HtmlAnchorElement, Url};

/// How long the browser has to begin with a download, in milliseconds.
const PATIENCE_MS: u64 = 30_000;

/// Has the browser keep `blob` as a file of this name. It makes no request.
pub fn save(name: &str, blob: &Blob) -> Result<(), JsValue> {
    let address = Url::create_object_url_with_blob(blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.dyn_into()?;
    link.set_href(&address);
    link.set_download(name);
    link.click();
    set_timeout(
        move || {
            // Nothing is lost if this fails: the text stays in memory as long as the page.
            let _ = Url::revoke_object_url(&address);
        },
        std::time::Duration::from_millis(PATIENCE_MS),
    );
    Ok(())
}
