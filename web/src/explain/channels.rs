//! A block's channels as small pictures.

use crate::canvas::paint;
use crate::language::{decimal, tv};
use crate::pixels;
use crate::state::Desk;
use leptos::html::Canvas;
use leptos::prelude::*;

/// The channels of the block that is there.
#[component]
pub fn Channels() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <ul class="channels" id="channels">
            {move || {
                let view = desk.explain.layer.get()?;
                let info = view.layers.get(view.shown)?;
                let size = [info.width, info.height];
                Some(
                    view
                        .channels
                        .iter()
                        .map(|channel| {
                            let (rgba, size) = cut(&channel.values, size, view.seen);
                            view! { <Picture index=channel.index activity=channel.activity rgba size /> }
                        })
                        .collect_view(),
                )
            }}
        </ul>
    }
}

#[component]
fn Picture(index: u32, activity: f32, rgba: Vec<u8>, size: [u32; 2]) -> impl IntoView {
    let canvas = NodeRef::<Canvas>::new();
    Effect::new(move |_| {
        if let Some(canvas) = canvas.get() {
            paint(&canvas, &rgba, size);
        }
    });
    let value = move || decimal(activity.into(), 2);
    let name = move || {
        tv(
            "layers.channel",
            &[("n", index.to_string().into()), ("value", value().into())],
        )
    };
    view! {
        <li>
            <canvas node_ref=canvas role="img" aria-label=name></canvas>
            <span class="number" aria-hidden="true">
                {value}
            </span>
        </li>
    }
}

/// The cells that the picture reaches (`seen`: left, top, width, height in fractions; padding lies around
/// them), as grey pixels with their size.
fn cut(values: &[u8], [width, height]: [u32; 2], seen: [f32; 4]) -> (Vec<u8>, [u32; 2]) {
    // Cells of feature maps are far fewer than 2^23, and shares lie in 0..=1.
    #[allow(clippy::cast_precision_loss)]
    let span = |start: f32, length: f32, side: u32| {
        let cell = |at: f32| (at.clamp(0.0, 1.0) * side as f32) as u32;
        let first = cell(start).min(side.saturating_sub(1));
        let end = ((start + length) * side as f32).ceil() as u32;
        first..end.clamp(first + 1, side.max(first + 1))
    };
    let columns = span(seen[0], seen[2], width);
    let rows = span(seen[1], seen[3], height);
    let size = [columns.len() as u32, rows.len() as u32];
    let grey: Vec<u8> = rows
        .flat_map(|row| columns.clone().map(move |column| row * width + column))
        .map(|at| values.get(at as usize).copied().unwrap_or(0))
        .collect();
    (pixels::from_grey(&grey), size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn padding_is_cut_off() {
        let values: Vec<u8> = (0..16).collect();
        let (rgba, size) = cut(&values, [4, 4], [0.0, 0.25, 1.0, 0.5]);
        assert_eq!(size, [4, 2]);
        assert_eq!(rgba[0], 4);
        assert_eq!(rgba.len(), 32);
        assert_eq!(cut(&values, [4, 4], [0.0, 0.0, 1.0, 1.0]).1, [4, 4]);
        // A sliver is still a cell; nonsense does no harm.
        assert_eq!(cut(&values, [4, 4], [0.99, 0.0, 0.001, 1.0]).1, [1, 4]);
        assert_eq!(cut(&[], [0, 0], [f32::NAN; 4]).1, [1, 1]);
    }
}
