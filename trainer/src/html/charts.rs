//! Charts as inline SVG, coloured by the page's variables so that they read in light and dark.

use std::fmt::Write;

use super::page::escape;

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 46.0;
/// Distinct series colours that the page defines.
const COLOURS: usize = 7;

/// A line of a chart.
#[derive(Debug, Clone)]
pub struct Series {
    /// Its name in the legend; empty for none.
    pub name: String,
    /// Its points; values that are not finite are left out.
    pub points: Vec<[f64; 2]>,
    /// Whether it is dashed.
    pub dashed: bool,
}

impl Series {
    /// A solid line.
    pub fn new(name: impl Into<String>, points: Vec<[f64; 2]>) -> Self {
        Self {
            name: name.into(),
            points,
            dashed: false,
        }
    }

    /// A dashed line.
    pub fn dashed(name: impl Into<String>, points: Vec<[f64; 2]>) -> Self {
        Self {
            dashed: true,
            ..Self::new(name, points)
        }
    }
}

/// The frame of a chart.
#[derive(Debug, Clone, Default)]
pub struct Axes {
    /// Title above the chart.
    pub title: String,
    /// What the horizontal axis shows, with its unit.
    pub x: String,
    /// What the vertical axis shows, with its unit.
    pub y: String,
    /// Ends of the horizontal axis; from the data where there is none.
    pub x_range: Option<[f64; 2]>,
    /// Ends of the vertical axis; from the data where there is none.
    pub y_range: Option<[f64; 2]>,
}

impl Axes {
    /// Axes with ends from the data.
    pub fn new(title: &str, x: &str, y: &str) -> Self {
        Self {
            title: title.into(),
            x: x.into(),
            y: y.into(),
            ..Self::default()
        }
    }

    /// Both axes from 0 to 1.
    pub fn unit(title: &str, x: &str, y: &str) -> Self {
        Self {
            x_range: Some([0.0, 1.0]),
            y_range: Some([0.0, 1.0]),
            ..Self::new(title, x, y)
        }
    }
}

/// Where values land on the chart.
struct Scale {
    x: [f64; 2],
    y: [f64; 2],
}

impl Scale {
    fn x(&self, value: f64) -> f64 {
        let share = (value - self.x[0]) / (self.x[1] - self.x[0]);
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value - self.y[0]) / (self.y[1] - self.y[0]);
        HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }
}

/// Round numbers between two ends, about five of them.
pub fn ticks([low, high]: [f64; 2]) -> Vec<f64> {
    let span = high - low;
    if !span.is_finite() || span <= 0.0 {
        return vec![low];
    }
    let rough = span / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(10.0 * power);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|k| k as f64 * step).collect()
}

/// A tick's label: as few digits as tell it from its neighbours.
fn label(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if value.abs() >= 1e5 || value.abs() < 1e-3 {
        return format!("{value:.0e}");
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').into()
}

fn range(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let [low, high] = values
        .filter(|value| value.is_finite())
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
            [low.min(value), high.max(value)]
        });
    if low > high {
        [0.0, 1.0]
    } else if low == high {
        [low - 0.5, high + 0.5]
    } else {
        [low, high]
    }
}

/// Opens a figure, draws grid, ticks and labels.
fn frame(axes: &Axes, scale: &Scale) -> String {
    let mut svg = format!(
        "<figure><figcaption>{title}</figcaption>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n",
        title = escape(&axes.title)
    );
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for value in ticks(scale.x) {
        let x = scale.x(value);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 16.0,
            label(value)
        );
    }
    for value in ticks(scale.y) {
        let y = scale.y(value);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            y + 4.0,
            label(value)
        );
    }
    let _ = writeln!(
        svg,
        "<path class=\"axis\" fill=\"none\" d=\"M{LEFT} {TOP}V{bottom}H{right}\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
         <text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
        (LEFT + right) / 2.0,
        HEIGHT - 8.0,
        escape(&axes.x),
        (TOP + bottom) / 2.0,
        escape(&axes.y)
    );
    svg
}

fn close(svg: &mut String, names: &[&str]) {
    svg.push_str("</svg>");
    let entries: String = names
        .iter()
        .enumerate()
        .filter(|(_, name)| !name.is_empty())
        .map(|(index, name)| {
            format!(
                "<span style=\"color:var(--s{})\">&#9632;</span> {} &nbsp; ",
                index % COLOURS,
                escape(name)
            )
        })
        .collect();
    if !entries.is_empty() {
        let _ = write!(svg, "<div class=\"note\">{entries}</div>");
    }
    svg.push_str("</figure>\n");
}

/// Lines over common axes.
pub fn lines(axes: &Axes, series: &[Series]) -> String {
    let points = || series.iter().flat_map(|series| &series.points);
    let scale = Scale {
        x: axes
            .x_range
            .unwrap_or_else(|| range(points().map(|point| point[0]))),
        y: axes
            .y_range
            .unwrap_or_else(|| range(points().map(|point| point[1]))),
    };
    let mut svg = frame(axes, &scale);
    for (index, series) in series.iter().enumerate() {
        let path: String = series
            .points
            .iter()
            .filter(|point| point.iter().all(|v| v.is_finite()))
            .enumerate()
            .map(|(index, point)| {
                format!(
                    "{}{:.1} {:.1}",
                    if index == 0 { "M" } else { "L" },
                    scale.x(point[0]),
                    scale.y(point[1])
                )
            })
            .collect();
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" fill=\"none\" stroke-width=\"2\" stroke=\"var(--s{})\"{}/>",
            index % COLOURS,
            if series.dashed {
                " stroke-dasharray=\"5 4\""
            } else {
                ""
            }
        );
    }
    let names: Vec<&str> = series.iter().map(|series| series.name.as_str()).collect();
    close(&mut svg, &names);
    svg
}

/// A set of bars `[from, to, height]`.
#[derive(Debug, Clone)]
pub struct Bars {
    /// Its name in the legend; empty for none.
    pub name: String,
    /// Left end, right end and height of each bar.
    pub bars: Vec<[f64; 3]>,
}

/// Translucent bars over common axes, with lines on top.
pub fn bars(axes: &Axes, sets: &[Bars], lines: &[Series]) -> String {
    let all = || sets.iter().flat_map(|set| &set.bars);
    let scale = Scale {
        x: axes
            .x_range
            .unwrap_or_else(|| range(all().flat_map(|bar| [bar[0], bar[1]]))),
        y: axes
            .y_range
            .unwrap_or_else(|| range(all().map(|bar| bar[2]).chain([0.0]))),
    };
    let mut svg = frame(axes, &scale);
    for (index, set) in sets.iter().enumerate() {
        for [from, to, height] in &set.bars {
            let (left, top) = (scale.x(*from), scale.y(*height));
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"var(--s{})\" fill-opacity=\".55\"/>",
                (scale.x(*to) - left - 1.0).max(0.5),
                (scale.y(scale.y[0]) - top).max(0.0),
                index % COLOURS
            );
        }
    }
    for series in lines {
        let path: String = series
            .points
            .iter()
            .enumerate()
            .map(|(i, p)| {
                let letter = if i == 0 { "M" } else { "L" };
                format!("{letter}{:.1} {:.1}", scale.x(p[0]), scale.y(p[1]))
            })
            .collect();
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" class=\"axis\" fill=\"none\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\"/>"
        );
    }
    let names: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
    close(&mut svg, &names);
    svg
}

/// Two or more sets of values as overlaid histograms of shares, over common bins between the least
/// value and `high`; larger values count in the last bin.
pub fn histogram(axes: &Axes, sets: &[(&str, Vec<f64>)], high: f64, mark: Option<f64>) -> String {
    const BINS: usize = 40;
    let low = sets
        .iter()
        .flat_map(|(_, values)| values)
        .copied()
        .fold(high, f64::min);
    let step = ((high - low) / BINS as f64).max(f64::MIN_POSITIVE);
    let bars_of = |values: &[f64]| -> Vec<[f64; 3]> {
        let mut counts = [0.0; BINS];
        for value in values {
            let bin = ((value - low) / step).clamp(0.0, (BINS - 1) as f64);
            counts[bin as usize] += 100.0 / values.len() as f64;
        }
        (0..BINS)
            .filter(|&bin| counts[bin] > 0.0)
            .map(|bin| {
                let left = low + bin as f64 * step;
                [left, left + step, counts[bin]]
            })
            .collect()
    };
    let sets: Vec<Bars> = sets
        .iter()
        .map(|(name, values)| Bars {
            name: (*name).into(),
            bars: bars_of(values),
        })
        .collect();
    let top = sets
        .iter()
        .flat_map(|set| set.bars.iter().map(|bar| bar[2]))
        .fold(1.0, f64::max);
    let axes = Axes {
        x_range: Some(range([low, high].into_iter())),
        y_range: Some([0.0, top]),
        ..axes.clone()
    };
    let mark = mark.map(|x| Series::new("", vec![[x, 0.0], [x, top]]));
    bars(&axes, &sets, &mark.into_iter().collect::<Vec<_>>())
}

/// A table of counts by true class (rows) and predicted class (columns), shaded by the row's share.
pub fn confusion(classes: &[String], counts: &[Vec<u64>]) -> String {
    let mut html = String::from(
        "<div class=\"scroll\"><table>\n<tr><th scope=\"col\">true &#8595; predicted &#8594;</th>",
    );
    for class in classes {
        let _ = write!(html, "<th scope=\"col\">{}</th>", escape(class));
    }
    html.push_str("<th scope=\"col\">recall</th></tr>\n");
    for (index, (class, row)) in classes.iter().zip(counts).enumerate() {
        let all: u64 = row.iter().sum();
        let share = |count: u64| count as f64 / all.max(1) as f64;
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escape(class));
        for &count in row {
            let _ = write!(
                html,
                "<td style=\"background:rgba(var(--heat),{:.2})\">{count}</td>",
                0.6 * share(count)
            );
        }
        let recall = row.get(index).map_or(0.0, |&right| share(right));
        let _ = writeln!(html, "<td>{:.1} %</td></tr>", 100.0 * recall);
    }
    html.push_str("</table></div>\n");
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn charts_name_their_axes_and_escape_names() {
        let axes = Axes::new("Loss <1>", "epoch", "cross-entropy (nats)");
        let gap = f64::NAN;
        let series = [
            Series::new("a & b", vec![[1.0, 0.5], [2.0, gap], [3.0, 0.25]]),
            Series::dashed("", Vec::new()),
        ];
        let svg = lines(&axes, &series);
        assert!(svg.contains(">epoch</text>") && svg.contains(">cross-entropy (nats)</text>"));
        assert!(svg.contains("Loss &lt;1&gt;") && svg.contains("a &amp; b"));
        assert!(!svg.contains("NaN"));
        assert_eq!(svg.matches("<svg").count(), svg.matches("</svg>").count());
        // Nothing to draw is no reason to fail.
        assert!(lines(&axes, &[]).contains("<svg"));
        let histogram = histogram(
            &axes,
            &[("x", vec![1.0, 1.0]), ("y", Vec::new())],
            1.0,
            None,
        );
        assert!(!histogram.contains("NaN") && !histogram.contains("inf"));
    }

    #[test]
    fn a_confusion_matrix_shows_recall() {
        let html = confusion(&["a".into(), "b".into()], &[vec![3, 1], vec![0, 0]]);
        assert!(html.contains("75.0 %") && html.contains("0.0 %"));
    }

    proptest! {
        #[test]
        fn ticks_are_few_and_inside(low in -1e4f64..1e4, span in 1e-3f64..1e5) {
            let ends = [low, low + span];
            let found = ticks(ends);
            prop_assert!((2..=11).contains(&found.len()), "{:?}", found);
            let slack = span * 1e-6;
            prop_assert!(found.iter().all(|t| *t >= ends[0] - slack && *t <= ends[1] + slack));
        }
    }
}
