//! Dense layers and the head.

use super::activation::relu;

/// `weight * x + bias`.
#[derive(Debug, Clone)]
pub(super) struct Dense {
    /// `[outputs, inputs]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Dense {
    /// A weight `[outputs, inputs]` and a bias `[outputs]`; neither is empty.
    pub(super) fn new(weight: Vec<f32>, bias: Vec<f32>) -> Self {
        Self { weight, bias }
    }

    fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.weight
            .chunks_exact(self.weight.len() / self.bias.len())
    }

    pub(super) fn run(&self, x: &[f32]) -> Vec<f32> {
        let products = self.rows().map(|row| {
            let pairs = row.iter().zip(x);
            pairs.map(|(a, b)| a * b).sum::<f32>()
        });
        products
            .zip(&self.bias)
            .map(|(sum, bias)| sum + bias)
            .collect()
    }
}

/// One or two dense layers over the channels' means, with ReLU between them.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) hidden: Option<Dense>,
    pub(super) output: Dense,
}

impl Head {
    /// Logits `[C]`, and the gradient `[C, K]` of each with respect to the means, from means `[K]`.
    ///
    /// The head is linear but for the hidden layer's ReLU, which lets a gradient through where its
    /// input is above 0: the gradients have a closed form
    /// ([`Head::logits_and_gradients`](crate::arch::Head::logits_and_gradients)).
    pub(super) fn run(&self, means: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let Some(hidden) = &self.hidden else {
            return (self.output.run(means), self.output.weight.clone());
        };
        let before = hidden.run(means);
        let after: Vec<f32> = before.iter().map(|&value| relu(value)).collect();
        let mut gradients = Vec::with_capacity(self.output.bias.len() * means.len());
        for weights in self.output.rows() {
            let mut gradient = vec![0.0; means.len()];
            let units = weights.iter().zip(hidden.rows()).zip(&before);
            for ((weight, row), _) in units.filter(|(_, value)| **value > 0.0) {
                for (sum, value) in gradient.iter_mut().zip(row) {
                    *sum += weight * value;
                }
            }
            gradients.extend(gradient);
        }
        (self.output.run(&after), gradients)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_those_of_the_logits() {
        let weight = |count: usize| (0..count).map(|i| (i * 37 % 23) as f32 / 11.0 - 1.0);
        let dense = |inputs: usize, outputs: usize| {
            Dense::new(
                weight(inputs * outputs).collect(),
                weight(outputs).collect(),
            )
        };
        let heads = [
            Head {
                hidden: None,
                output: dense(6, 3),
            },
            Head {
                hidden: Some(dense(6, 7)),
                output: dense(7, 3),
            },
        ];
        let means: Vec<f32> = weight(6).map(|v| v * 0.7 + 0.2).collect();
        for head in heads {
            let (logits, gradients) = head.run(&means);
            assert_eq!((logits.len(), gradients.len()), (3, 18));
            for channel in 0..6 {
                let mut moved = means.clone();
                moved[channel] += 1e-2;
                let (after, _) = head.run(&moved);
                for class in 0..3 {
                    let slope = (after[class] - logits[class]) / 1e-2;
                    let gradient = gradients[class * 6 + channel];
                    assert!((slope - gradient).abs() < 1e-2, "{slope} {gradient}");
                }
            }
        }
    }
}
