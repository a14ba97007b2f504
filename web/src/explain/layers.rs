//! What the network's blocks make of the scan.

use super::LayerView;
use super::channels::Channels;
use crate::language::{t, tr, tv};
use crate::state::{Desk, Phase};
use leptos::prelude::*;
use std::sync::Arc;

/// Channels that are shown at first.
const SOME: u32 = 24;

/// The chooser of a block, and its channels.
#[component]
pub fn Layers() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let all = RwSignal::new(false);
    Effect::new(move |_| {
        let block = desk.explain.block.get();
        let most = if all.get() { u32::MAX } else { SOME };
        // Again after a new result and with a new engine.
        if desk.explain.inside.get()
            && desk.outcome.read().is_some()
            && desk.phase.get() == Phase::Ready
        {
            desk.want_layer(block, most);
        }
    });
    let view = move || desk.explain.layer.get();
    let size = move || {
        let view = view()?;
        let info = view.layers.get(view.shown)?;
        Some(tv(
            "layers.size",
            &[
                ("n", info.channels.into()),
                ("width", info.width.into()),
                ("height", info.height.into()),
            ],
        ))
    };
    let more = Memo::new(move |_| {
        desk.explain.layer.with(|view| {
            let view = view.as_ref()?;
            let info = view.layers.get(view.shown)?;
            Some(view.channels.len() < info.channels as usize)
        })
    });
    view! {
        <p class="hint">{tr("layers.hint")}</p>
        {move || {
            desk.explain
                .layer_failed
                .get()
                .map(|reason| {
                    view! { <p class="bad-line">{tv("explain.failed", &[("reason", reason.into())])}</p> }
                })
        }}
        <div class="row">
            <label class="choice">
                <span>{tr("layers.block")}</span>
                <select
                    id="block"
                    on:change:target=move |event| desk.explain.block.set(event.target().value().parse().ok())
                >
                    {move || view().map(options)}
                </select>
            </label>
            <span class="hint" id="block-size" role="status">
                {size}
            </span>
        </div>
        <Channels />
        <Show when=move || more.get().is_some_and(|more| more || all.get())>
            <button type="button" class="small-button" id="all-channels" on:click=move |_| all.update(|all| *all = !*all)>
                {move || if all.get() { t("layers.fewer") } else { t("layers.all") }}
            </button>
        </Show>
    }
}

fn options(view: Arc<LayerView>) -> impl IntoView {
    let shown = view.shown;
    view.layers
        .iter()
        .enumerate()
        .map(|(index, layer)| {
            let title = block_title(&layer.name);
            view! {
                <option value=index.to_string() selected=index == shown>
                    {title}
                </option>
            }
        })
        .collect_view()
}

/// A block's name for a person: blocks count from 1.
fn block_title(name: &str) -> String {
    let number = name
        .strip_prefix("blocks.")
        .and_then(|index| index.parse::<u32>().ok());
    match (number, name) {
        (Some(index), _) => tv("layers.number", &[("n", (index + 1).into())]),
        (None, "stem") => t("layers.stem"),
        (None, "merge") => t("layers.merge"),
        (None, "head_conv") => t("layers.last"),
        (None, name) => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn blocks_have_names() {
        assert_eq!(block_title("blocks.0"), "Block 1");
        assert_eq!(block_title("merge"), "Last two stages, merged");
        assert_eq!(block_title("attic"), "attic");
    }
}
