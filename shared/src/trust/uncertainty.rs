//! How unsure an answer is, and selective answering: leave out the least sure and see how the risk
//! falls (El-Yaniv and Wiener 2010, <https://jmlr.org/papers/v11/el-yaniv10a.html>; the area under
//! the risk-coverage curve after Geifman et al. 2019, <https://arxiv.org/abs/1805.08206>).

use serde::{Deserialize, Serialize};

/// 1 minus the highest probability, 0..1 (Hendrycks and Gimpel 2017,
/// <https://arxiv.org/abs/1610.02136>).
pub fn doubt(probabilities: &[f32]) -> f32 {
    1.0 - probabilities.iter().copied().fold(0.0, f32::max)
}

/// Entropy of a distribution as a share of its largest possible value, 0..=1.
pub fn entropy(probabilities: &[f32]) -> f32 {
    let sum: f32 = probabilities
        .iter()
        .filter(|&&p| p > 0.0)
        .map(|p| -p * p.ln())
        .sum();
    let most = (probabilities.len().max(2) as f32).ln();
    (sum / most).clamp(0.0, 1.0)
}

/// What several answers to one scan (views of it, or members of an ensemble) say together.
#[derive(Debug, Clone, PartialEq)]
pub struct Combined {
    /// Mean of the members' probabilities.
    pub probabilities: Vec<f32>,
    /// Entropy of the mean, 0..=1: all doubt.
    pub entropy: f32,
    /// Entropy of the mean less the mean entropy, 0..=1: the doubt that stems from disagreement
    /// (Depeweg et al. 2018, <https://arxiv.org/abs/1710.07283>).
    pub mutual_information: f32,
    /// Variance of the most probable class's probability over the members, 0..=0.25.
    pub variance: f32,
}

/// Joins the members' probabilities (each in class order); `None` for no members.
pub fn combine(members: &[&[f32]]) -> Option<Combined> {
    let count = members.len() as f32;
    let mut mean = vec![0.0; members.first()?.len()];
    for member in members {
        for (sum, p) in mean.iter_mut().zip(*member) {
            *sum += p / count;
        }
    }
    let all = entropy(&mean);
    let inner = members.iter().map(|m| entropy(m)).sum::<f32>() / count;
    let best = super::argmax(&mean);
    let variance = members
        .iter()
        .map(|m| (m.get(best).copied().unwrap_or(0.0) - mean[best]).powi(2))
        .sum::<f32>()
        / count;
    Some(Combined {
        probabilities: mean,
        entropy: all,
        mutual_information: (all - inner).max(0.0),
        variance,
    })
}

/// A point of a risk-coverage curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RiskPoint {
    /// Share of answers that are given, above 0.
    pub coverage: f64,
    /// Share of wrong ones among them.
    pub risk: f64,
    /// The highest uncertainty among them.
    pub uncertainty: f32,
}

/// Risk by coverage, from the surest answer to all of them; answers of equal uncertainty come in
/// together, so that no order among them is made up.
pub fn risk_coverage(answers: &[(f32, bool)]) -> Vec<RiskPoint> {
    let mut sorted = answers.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut points = Vec::new();
    let mut wrong = 0;
    for (index, &(uncertainty, right)) in sorted.iter().enumerate() {
        wrong += usize::from(!right);
        let last_of_equals = sorted
            .get(index + 1)
            .is_none_or(|next| next.0 > uncertainty);
        if last_of_equals {
            points.push(RiskPoint {
                coverage: (index + 1) as f64 / sorted.len() as f64,
                risk: wrong as f64 / (index + 1) as f64,
                uncertainty,
            });
        }
    }
    points
}

/// Area under the risk-coverage curve, 0..=1, smaller is better: the mean over every coverage of
/// the risk there. A useless score gives the overall risk. 0 for no answers.
pub fn aurc(answers: &[(f32, bool)]) -> f64 {
    let mut area = 0.0;
    let mut from = 0.0;
    for point in risk_coverage(answers) {
        area += (point.coverage - from) * point.risk;
        from = point.coverage;
    }
    area
}

/// The least [`aurc`] that any score can have with so many wrong answers of all: the wrong ones last.
pub fn best_aurc(wrong: usize, all: usize) -> f64 {
    let answers: Vec<_> = (0..all).map(|i| (i as f32, i + wrong < all)).collect();
    aurc(&answers)
}

/// Where to stop answering.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Abstain {
    /// Answers more uncertain than this are not given.
    pub above: f32,
    /// Share of answers given.
    pub coverage: f64,
    /// Share of right ones among them.
    pub accuracy: f64,
}

/// Selective accuracy that [`abstain`] aims at.
pub const TARGET_ACCURACY: f64 = 0.99;
/// [`abstain`] leaves out at most this share of the answers.
pub const MOST_LEFT_OUT: f64 = 0.3;
/// Where nothing is wrong there is nothing to aim at: this share is left out.
const LEFT_OUT_ANYWAY: f64 = 0.02;

/// The threshold with the largest coverage at which the answers given are [`TARGET_ACCURACY`] right
/// *and* the risk of answering everything is at least halved.
///
/// At most [`MOST_LEFT_OUT`] are left out: where the target is out of reach, the threshold is the one
/// with the least risk among those. Where nothing is wrong, the most uncertain 2 % are left out.
/// `None` for no answers.
pub fn abstain(answers: &[(f32, bool)]) -> Option<Abstain> {
    let curve = risk_coverage(answers);
    let overall = curve.last()?.risk;
    let allowed = |p: &&RiskPoint| p.coverage >= 1.0 - MOST_LEFT_OUT;
    let chosen = if overall == 0.0 {
        curve.iter().find(|p| p.coverage >= 1.0 - LEFT_OUT_ANYWAY)
    } else {
        let target = (1.0 - TARGET_ACCURACY).min(overall / 2.0);
        curve
            .iter()
            .rev()
            .filter(allowed)
            .find(|p| p.risk <= target)
            .or_else(|| {
                curve.iter().filter(allowed).min_by(|a, b| {
                    a.risk
                        .total_cmp(&b.risk)
                        .then(b.coverage.total_cmp(&a.coverage))
                })
            })
    }?;
    // Halfway to the next answer, so that rounding elsewhere does not drop the last one that counts.
    let next = curve.iter().find(|p| p.uncertainty > chosen.uncertainty);
    Some(Abstain {
        above: next.map_or(chosen.uncertainty, |n| {
            (chosen.uncertainty + n.uncertainty) / 2.0
        }),
        coverage: chosen.coverage,
        accuracy: 1.0 - chosen.risk,
    })
}

/// Coverage and accuracy of the answers that are no more uncertain than `above`; the accuracy is
/// `None` where none is.
pub fn selective(answers: &[(f32, bool)], above: f32) -> (f64, Option<f64>) {
    let given: Vec<_> = answers.iter().filter(|a| a.0 <= above).collect();
    let right = given.iter().filter(|a| a.1).count();
    (
        given.len() as f64 / answers.len().max(1) as f64,
        (!given.is_empty()).then(|| right as f64 / given.len() as f64),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scores_of_known_distributions() {
        assert_eq!(doubt(&[0.25; 4]), 0.75);
        assert!((entropy(&[0.25; 4]) - 1.0).abs() < 1e-6);
        assert_eq!(entropy(&[1.0, 0.0]), 0.0);
        // Two members that contradict each other: all doubt is disagreement.
        let opposed = combine(&[&[1.0, 0.0], &[0.0, 1.0]]).unwrap();
        assert!((opposed.mutual_information - 1.0).abs() < 1e-6);
        assert!((opposed.variance - 0.25).abs() < 1e-6);
        // Two that agree in not knowing: none is.
        let agreed = combine(&[&[0.5, 0.5], &[0.5, 0.5]]).unwrap();
        assert!(agreed.mutual_information < 1e-6 && agreed.entropy > 0.999);
        assert_eq!(combine(&[]), None);
    }

    #[test]
    fn a_hand_counted_curve() {
        let answers = [(0.1, true), (0.2, true), (0.3, false), (0.3, true)];
        let curve = risk_coverage(&answers);
        assert_eq!(curve.len(), 3, "equal ones come in together");
        assert_eq!((curve[2].coverage, curve[2].risk), (1.0, 0.25));
        assert!((aurc(&answers) - 0.125).abs() < 1e-12);
        let stop = abstain(&answers).unwrap();
        // 99 % would need half to be left out, more than is allowed: all are given.
        assert_eq!((stop.coverage, stop.accuracy), (1.0, 0.75));
        assert_eq!(selective(&answers, 0.25), (0.5, Some(1.0)));
        assert_eq!(selective(&answers, 0.05), (0.0, None));
    }

    #[test]
    fn abstaining_reaches_its_target() {
        // 5 of 100 are wrong, all among the 10 most uncertain.
        let answers: Vec<_> = (0..100)
            .map(|i| (i as f32 / 100.0, i < 90 || i % 2 == 0))
            .collect();
        let stop = abstain(&answers).unwrap();
        assert!(stop.accuracy >= 0.98 && stop.coverage >= 0.9, "{stop:?}");
        let (coverage, accuracy) = selective(&answers, stop.above);
        assert_eq!((coverage, accuracy), (stop.coverage, Some(stop.accuracy)));
        assert_eq!(abstain(&[]), None);
        let faultless: Vec<_> = (0..100).map(|i| (i as f32, true)).collect();
        assert_eq!(abstain(&faultless).unwrap().coverage, 0.98);
    }

    proptest! {
        #[test]
        fn the_area_lies_between_the_best_and_the_worst(
            answers in prop::collection::vec((0u8..20, any::<bool>()), 1..100),
        ) {
            let answers: Vec<_> = answers.iter().map(|&(u, r)| (f32::from(u), r)).collect();
            let wrong = answers.iter().filter(|a| !a.1).count();
            let area = aurc(&answers);
            let worst: Vec<_> = (0..answers.len()).map(|i| (i as f32, i >= wrong)).collect();
            prop_assert!(area >= best_aurc(wrong, answers.len()) - 1e-9);
            prop_assert!(area <= aurc(&worst) + 1e-9);
            let stop = abstain(&answers).unwrap();
            prop_assert!(stop.accuracy >= 1.0 - wrong as f64 / answers.len() as f64 - 1e-9);
            prop_assert_eq!(selective(&answers, stop.above).0, stop.coverage);
        }

        #[test]
        fn combined_scores_stay_in_range(
            members in prop::collection::vec(prop::collection::vec(0.01f32..1.0, 4), 1..6),
        ) {
            let members: Vec<Vec<f32>> = members
                .into_iter()
                .map(|m| { let sum: f32 = m.iter().sum(); m.iter().map(|v| v / sum).collect() })
                .collect();
            let rows: Vec<&[f32]> = members.iter().map(Vec::as_slice).collect();
            let all = combine(&rows).unwrap();
            prop_assert!((0.0..=1.0).contains(&all.entropy));
            prop_assert!(all.mutual_information <= all.entropy + 1e-6);
            prop_assert!((0.0..=0.2501).contains(&all.variance));
            prop_assert!((all.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
    }
}
