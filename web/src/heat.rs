//! How a heat map is drawn: shown or not, opacity, colours, a line at a level; and what it shows in words.

mod contour;
mod controls;

pub use controls::HeatControls;

use crate::explain::{Maps, method_title};
use crate::kept;
use crate::language::{t, tv};
use crate::state::Desk;
use crate::words;
use crate::words::evidence;
use leptos::prelude::*;
use scanlight_engine::protocol::{COLOUR_MAPS, Method};
use std::sync::Arc;

/// The name of the choice of colours that is kept.
const COLOURS: &str = "colours";

/// How heat maps are drawn. A handle: copies mean the same.
#[derive(Clone, Copy)]
pub struct Look {
    /// Whether the map is shown.
    pub shown: RwSignal<bool>,
    /// Opacity in per cent.
    pub opacity: RwSignal<u32>,
    /// Index into [`COLOUR_MAPS`].
    pub colours: RwSignal<usize>,
    /// Whether the line at a level is drawn.
    pub contour: RwSignal<bool>,
    /// Its level, in per cent of the map's maximum.
    pub level: RwSignal<u32>,
}

impl Look {
    /// As a visitor finds it, with the colours chosen on an earlier visit.
    pub fn new() -> Self {
        let kept = kept::read(COLOURS);
        let colours = kept.and_then(|kept| COLOUR_MAPS.iter().position(|name| *name == kept));
        Self {
            shown: RwSignal::new(true),
            opacity: RwSignal::new(70),
            colours: RwSignal::new(colours.unwrap_or_default()),
            contour: RwSignal::new(false),
            level: RwSignal::new(50),
        }
    }

    /// The opacity as CSS has it.
    pub fn opacity(self) -> String {
        format!("{}", f64::from(self.opacity.get()) / 100.0)
    }

    /// Chooses other colours and keeps the choice.
    fn choose(self, name: &str) {
        if let Some(index) = COLOUR_MAPS.iter().position(|known| *known == name) {
            self.colours.set(index);
            kept::write(COLOURS, name);
        }
    }
}

impl Desk {
    /// The chosen colours as 256 RGB triples; grey where there are none.
    pub fn colours(self) -> Vec<u8> {
        let index = self.look.colours.get();
        let outcome = self.outcome.get();
        let maps = outcome
            .as_ref()
            .map(|outcome| outcome.colour_maps.as_slice());
        let found = maps.and_then(|maps| maps.chunks_exact(768).nth(index));
        found.map(<[u8]>::to_vec).unwrap_or_default()
    }

    /// The maps of the method that is shown; Grad-CAM's until another's are there.
    pub fn shown_maps(self) -> Option<Arc<Maps>> {
        self.explain.maps(self.explain.method.get())
    }
}

/// Where the chosen map is strongest, in fractions of the picture.
pub fn peak(desk: Desk) -> Option<[f32; 2]> {
    let maps = desk.shown_maps()?;
    let found = maps.evidence.get(desk.chosen.get())?.as_ref()?;
    Some(found.peak)
}

/// What the heat map is, for who cannot see it; what it shows is in [`in_words`].
pub fn label(desk: Desk) -> Option<String> {
    let outcome = desk.outcome.get()?;
    let class = outcome.classes.get(desk.chosen.get())?;
    Some(title(desk.explain.method.get(), class))
}

/// What a map for `class` by `method` is.
pub fn title(method: Method, class: &str) -> String {
    tv(
        "heat.label",
        &[
            ("class", words::class_title(class).into()),
            ("method", method_title(method).into()),
        ],
    )
}

/// The heat map in words.
pub fn in_words(desk: Desk) -> Option<String> {
    let outcome = desk.outcome.get()?;
    let maps = desk.shown_maps()?;
    evidence::of_method(
        &outcome.classes,
        &outcome.report,
        desk.explain.method.get(),
        &maps.evidence,
        &maps.strengths,
        desk.chosen.get(),
    )
}

/// The colours' name for a person.
fn colours_title(name: &str) -> String {
    t(match name {
        "viridis" => "colours.viridis",
        "cividis" => "colours.cividis",
        "amber" => "colours.amber",
        _ => "colours.inferno",
    })
}

/// The line at the chosen level, over the frame that it stands in.
#[component]
pub fn Contour() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let maps = move || desk.shown_maps().filter(|_| desk.look.contour.get());
    let size = move || maps().map(|maps| maps.size);
    let path = Memo::new(move |_| {
        let maps = maps()?;
        let heat = maps.heat.get(desk.chosen.get())?;
        let highest = heat.iter().copied().max().unwrap_or_default();
        let level = u32::from(highest) * desk.look.level.get() / 100;
        let level = u8::try_from(level).unwrap_or(u8::MAX).max(1);
        Some(contour::path(heat, maps.size, level))
    });
    view! {
        <svg
            class="contour"
            aria-hidden="true"
            preserveAspectRatio="none"
            viewBox=move || size().map(|[width, height]| format!("0 0 {width} {height}"))
        >
            <path class="edge" d=move || path.get() />
            <path d=move || path.get() />
        </svg>
    }
}
