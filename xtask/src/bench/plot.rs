//! Plots as SVG: small panels side by side, each with one line for each contestant.

use super::stats::digits;

/// A panel's plot area in pixels, and what lies around it.
const SIZE: [f64; 2] = [300.0, 200.0];
const LEFT: f64 = 58.0;
const RIGHT: f64 = 22.0;
const ABOVE: f64 = 44.0;
const BELOW: f64 = 64.0;
/// Colours that are told apart without red and green (Okabe and Ito 2008).
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// One panel.
pub struct Panel {
    /// What it shows.
    pub title: String,
    /// What grows, to the right.
    pub across: String,
    /// What is measured, upwards from 0.
    pub up: String,
    /// Whether each step to the right is a factor.
    pub logarithmic: bool,
    /// Lines: a name and its points.
    pub lines: Vec<(String, Vec<[f64; 2]>)>,
}

/// The panels as one SVG file, two in a row. Panels without points are left out.
pub fn svg(panels: &[Panel]) -> String {
    let panels: Vec<&Panel> = panels
        .iter()
        .filter(|panel| panel.points().next().is_some())
        .collect();
    let cell = [LEFT + SIZE[0] + RIGHT, ABOVE + SIZE[1] + BELOW];
    let columns = panels.len().clamp(1, 2);
    let [width, height] = [
        cell[0] * columns as f64,
        cell[1] * panels.len().div_ceil(columns) as f64,
    ];
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#222\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (index, panel) in panels.iter().enumerate() {
        let x = cell[0] * (index % columns) as f64 + LEFT;
        let y = cell[1] * (index / columns) as f64 + ABOVE;
        text += &format!("<g transform=\"translate({x} {y})\">\n");
        panel.draw(&mut text);
        text += "</g>\n";
    }
    text + "</svg>\n"
}

impl Panel {
    fn points(&self) -> impl Iterator<Item = [f64; 2]> + '_ {
        self.lines.iter().flat_map(|(_, points)| points).copied()
    }

    fn draw(&self, text: &mut String) {
        let [width, height] = SIZE;
        let place = |value: f64| if self.logarithmic { value.ln() } else { value };
        let (mut first, mut last, mut top) = (f64::INFINITY, f64::NEG_INFINITY, 0.0f64);
        for [x, y] in self.points() {
            first = first.min(place(x));
            last = last.max(place(x));
            top = top.max(y);
        }
        let top = round_up(top);
        let spread = if last > first { last - first } else { 1.0 };
        let at = |[x, y]: [f64; 2]| {
            let x = (place(x) - first) / spread * width;
            [x, height - y / top * height]
        };
        *text += &format!(
            "<text y=\"-22\" font-weight=\"600\">{}</text>\n",
            escape(&self.title)
        );
        *text += &format!(
            "<text y=\"-7\" font-size=\"11\">{}</text>\n",
            escape(&self.up)
        );
        for tick in 0..=4 {
            let value = top * f64::from(tick) / 4.0;
            let y = height - height * f64::from(tick) / 4.0;
            *text += &format!(
                "<path d=\"M0 {y:.1}H{width}\" stroke=\"#ddd\"/>\
                 <text x=\"-6\" y=\"{:.1}\" text-anchor=\"end\" font-size=\"11\">{}</text>\n",
                y + 4.0,
                digits(value)
            );
        }
        let mut places: Vec<f64> = self.points().map(|[x, _]| x).collect();
        places.sort_by(f64::total_cmp);
        places.dedup();
        for value in places {
            let [x, _] = at([value, 0.0]);
            *text += &format!(
                "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\">{value}</text>\n",
                height + 16.0
            );
        }
        *text += &format!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\">{}</text>\n",
            width / 2.0,
            height + 32.0,
            escape(&self.across)
        );
        let mut legend = 0.0;
        for ((name, points), colour) in self.lines.iter().zip(COLOURS.iter().cycle()) {
            let places: Vec<[f64; 2]> = points.iter().map(|point| at(*point)).collect();
            let path: Vec<String> = places
                .iter()
                .map(|[x, y]| format!("{x:.1} {y:.1}"))
                .collect();
            *text += &format!(
                "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n",
                path.join("L")
            );
            for [x, y] in places {
                *text +=
                    &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>\n");
            }
            *text += &format!(
                "<text x=\"{legend}\" y=\"{}\" fill=\"{colour}\">{}</text>\n",
                height + 52.0,
                escape(name)
            );
            legend += 14.0 + 7.0 * name.chars().count() as f64;
        }
    }
}

/// The next of 1, 2, 4, 8 times a power of ten.
fn round_up(value: f64) -> f64 {
    if !(value > 0.0 && value.is_finite()) {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    let factor = [1.0, 2.0, 4.0, 8.0]
        .into_iter()
        .find(|factor| factor * power >= value);
    factor.unwrap_or(10.0) * power
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_lie_where_their_numbers_are() {
        let panel = Panel {
            title: "a < b".into(),
            across: "images".into(),
            up: "seconds".into(),
            logarithmic: true,
            lines: vec![("CPU".into(), vec![[1.0, 0.0], [10.0, 5.0], [100.0, 8.0]])],
        };
        let text = svg(&[panel]);
        // Upwards to 8; three places at equal distances.
        assert!(text.contains("M0.0 200.0L150.0 75.0L300.0 0.0"), "{text}");
        assert!(text.contains("a &lt; b") && !text.contains("a < b"));
    }

    #[test]
    fn panels_without_points_are_left_out() {
        let panel = |points| Panel {
            title: "t".into(),
            across: "x".into(),
            up: "y".into(),
            logarithmic: false,
            lines: vec![("CPU".into(), points)],
        };
        let text = svg(&[panel(vec![]), panel(vec![[1.0, 2.0]])]);
        assert_eq!(text.matches("<g ").count(), 1);
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }

    #[test]
    fn scales_end_at_round_numbers() {
        let ends = [0.0, 0.07, 3.0, 4.0, 85.0, f64::NAN].map(round_up);
        let expected = [1.0, 0.08, 4.0, 4.0, 100.0, 1.0];
        for (end, expected) in ends.iter().zip(expected) {
            assert!((end - expected).abs() < 1e-9, "{end} {expected}");
        }
    }
}
