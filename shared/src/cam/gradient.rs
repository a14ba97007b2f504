//! The methods that weight feature maps by a logit's gradient.
//!
//! With `A_k` a feature map of `Z` cells, `m_k` its mean and `g_k` the logit's gradient with respect
//! to that mean, the gradient with respect to each cell is `g_k / Z`. The papers' sums over cells
//! then have closed forms, which the tests hold to automatic differentiation cell by cell.

use super::activations::Activations;

impl Activations {
    /// Grad-CAM of a class (Selvaraju et al. 2017, <https://arxiv.org/abs/1610.02391>):
    /// `relu(sum_k w_k A_k)` with `w_k` the gradient's mean over the cells, `g_k / Z`.
    pub fn grad_cam(&self, class: usize) -> Vec<f32> {
        let area = self.area() as f32;
        let gradient = self.gradient(class).iter();
        self.weighted_sum(gradient.map(|g| g / area).enumerate())
    }

    /// HiResCAM of a class (Draelos and Carin 2020, <https://arxiv.org/abs/2011.08891>), its positive
    /// part: the sum over `k` of gradient times feature, cell by cell.
    ///
    /// The gradient is the same in every cell, so that its mean, which Grad-CAM takes, changes
    /// nothing: this *is* [`Activations::grad_cam`]. The paper keeps negative cells, which a
    /// [`ClassMap`](super::ClassMap) cannot show.
    pub fn hires_cam(&self, class: usize) -> Vec<f32> {
        self.grad_cam(class)
    }

    /// Grad-CAM++ of a class (Chattopadhay et al. 2018, <https://arxiv.org/abs/1710.11063>), for
    /// features that are nowhere negative.
    ///
    /// The paper weights the positive gradient of each cell by
    /// `alpha = G^2 / (2 G^2 + G^3 sum(A_k))` with `G = g_k / Z`, which is `1 / (2 + g_k m_k)`; summed
    /// over the cells this gives `w_k = relu(g_k) / (2 + g_k m_k)`. The paper's factor `exp(logit)`,
    /// common to all `k`, is left out: it would only scale the map.
    pub fn grad_cam_plus_plus(&self, class: usize) -> Vec<f32> {
        let area = self.area() as f32;
        let weights = self.gradient(class).iter().enumerate().map(|(channel, g)| {
            let positive = g.max(0.0);
            let mean = self.feature(channel).iter().sum::<f32>() / area;
            // At least 2 for features as they should be; others must not turn the sign.
            (channel, positive / (2.0 + positive * mean.max(0.0)))
        });
        self.weighted_sum(weights)
    }

    /// LayerCAM of a class (Jiang et al. 2021, <https://doi.org/10.1109/TIP.2021.3089943>): each cell
    /// weighted by the positive part of its own gradient.
    pub fn layer_cam(&self, class: usize) -> Vec<f32> {
        let area = self.area() as f32;
        let gradient = self.gradient(class).iter();
        self.weighted_sum(gradient.map(|g| g.max(0.0) / area).enumerate())
    }
}
