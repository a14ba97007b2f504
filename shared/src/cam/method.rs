//! The methods' names, papers and costs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A way to make class-activation maps.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum CamMethod {
    /// Feature maps weighted by the class's mean gradient.
    #[default]
    GradCam,
    /// Grad-CAM with only the positive gradients, those of strong maps tempered.
    GradCamPlusPlus,
    /// Gradient times feature, cell by cell. For networks that end in average pooling, as all of
    /// ours do, it equals Grad-CAM.
    HiresCam,
    /// Cells weighted by the positive part of their own gradient.
    LayerCam,
    /// The features' first principal component, whatever the class.
    EigenCam,
    /// Feature maps weighted by what the network says of the input seen through them.
    ScoreCam,
    /// Random values: no explanation but the floor that explanations have to beat.
    Random,
}

/// How much a method costs beside classifying.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CamCost {
    /// The pass that classifies is enough.
    OnePass,
    /// A further pass for each feature map that is tried.
    ManyPasses,
}

impl CamMethod {
    /// Every method, the floor last.
    pub const ALL: [Self; 7] = [
        Self::GradCam,
        Self::GradCamPlusPlus,
        Self::HiresCam,
        Self::LayerCam,
        Self::EigenCam,
        Self::ScoreCam,
        Self::Random,
    ];

    /// The name in options, files and messages, such as `grad_cam`.
    pub fn name(self) -> &'static str {
        match self {
            Self::GradCam => "grad_cam",
            Self::GradCamPlusPlus => "grad_cam_plus_plus",
            Self::HiresCam => "hires_cam",
            Self::LayerCam => "layer_cam",
            Self::EigenCam => "eigen_cam",
            Self::ScoreCam => "score_cam",
            Self::Random => "random",
        }
    }

    /// The name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::GradCam => "Grad-CAM",
            Self::GradCamPlusPlus => "Grad-CAM++",
            Self::HiresCam => "HiResCAM",
            Self::LayerCam => "LayerCAM",
            Self::EigenCam => "EigenCAM",
            Self::ScoreCam => "ScoreCAM",
            Self::Random => "Random",
        }
    }

    /// Authors and year of the paper; none for the floor.
    pub fn citation(self) -> Option<&'static str> {
        match self {
            Self::GradCam => Some("Selvaraju et al. 2017"),
            Self::GradCamPlusPlus => Some("Chattopadhay et al. 2018"),
            Self::HiresCam => Some("Draelos and Carin 2020"),
            Self::LayerCam => Some("Jiang et al. 2021"),
            Self::EigenCam => Some("Muhammad and Yeasin 2020"),
            Self::ScoreCam => Some("Wang et al. 2020"),
            Self::Random => None,
        }
    }

    /// Where the paper is; none for the floor.
    pub fn url(self) -> Option<&'static str> {
        match self {
            Self::GradCam => Some("https://arxiv.org/abs/1610.02391"),
            Self::GradCamPlusPlus => Some("https://arxiv.org/abs/1710.11063"),
            Self::HiresCam => Some("https://arxiv.org/abs/2011.08891"),
            Self::LayerCam => Some("https://doi.org/10.1109/TIP.2021.3089943"),
            Self::EigenCam => Some("https://arxiv.org/abs/2008.00299"),
            Self::ScoreCam => Some("https://arxiv.org/abs/1910.01279"),
            Self::Random => None,
        }
    }

    /// Whether the map depends on the class; if not, all classes get the same one.
    pub fn class_specific(self) -> bool {
        !matches!(self, Self::EigenCam | Self::Random)
    }

    /// How much it costs.
    pub fn cost(self) -> CamCost {
        match self {
            Self::ScoreCam => CamCost::ManyPasses,
            _ => CamCost::OnePass,
        }
    }
}

impl fmt::Display for CamMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no method has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there is no method {found:?}; there are {}", CamMethod::ALL.map(CamMethod::name).join(", "))]
pub struct UnknownCamMethod {
    /// The name.
    pub found: String,
}

impl FromStr for CamMethod {
    type Err = UnknownCamMethod;

    /// Takes [`CamMethod::name`] and [`CamMethod::title`]; case, spaces, `-` and `_` do not matter.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fold = |name: &str| -> String {
            name.to_lowercase()
                .replace("++", "plusplus")
                .chars()
                .filter(|c| !matches!(c, '-' | '_' | ' '))
                .collect()
        };
        let wanted = fold(text);
        Self::ALL
            .into_iter()
            .find(|method| fold(method.name()) == wanted)
            .ok_or_else(|| UnknownCamMethod { found: text.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_titles_are_read_back() {
        for method in CamMethod::ALL {
            assert_eq!(method.name().parse(), Ok(method));
            assert_eq!(method.title().parse(), Ok(method));
            assert_eq!(method.to_string().replace('_', "-").parse(), Ok(method));
            let json = serde_json::to_string(&method).unwrap();
            assert_eq!(json, format!("\"{}\"", method.name()));
            assert_eq!(method.citation().is_some(), method.url().is_some());
        }
        let names: BTreeSet<_> = CamMethod::ALL.iter().map(|m| m.name()).collect();
        assert_eq!(names.len(), CamMethod::ALL.len());
        let error = "lime".parse::<CamMethod>().unwrap_err().to_string();
        assert!(
            error.contains("lime") && error.contains("grad_cam"),
            "{error}"
        );
    }
}
