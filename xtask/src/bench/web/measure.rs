//! The numbers that a visit gives.

use serde_json::Value;

use crate::bench::numbers;

/// What is measured; times in milliseconds, memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Navigation to the first probabilities, nothing cached.
    Cold,
    /// The same with the files in the browser's cache.
    Cached,
    /// Input plane to probabilities.
    Classify,
    /// Input plane to probabilities and Grad-CAM of every class.
    WithMaps,
    /// Image file to all that the contestant gives.
    Whole,
    /// Image dropped on the page to the answer shown in it.
    Page,
    /// Largest resident memory: the renderer, and for WebGPU the GPU process as well.
    Memory,
    /// Longest task on the main thread while classifying, one for each visit; 0 where none was above 50.
    LongTask,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Cold,
        Self::Cached,
        Self::Classify,
        Self::WithMaps,
        Self::Whole,
        Self::Page,
        Self::Memory,
        Self::LongTask,
    ];

    /// Its name in the results file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Cold => "cold_ms",
            Self::Cached => "cached_ms",
            Self::Classify => "classify_ms",
            Self::WithMaps => "classify_with_maps_ms",
            Self::Whole => "whole_ms",
            Self::Page => "page_ms",
            Self::Memory => "memory_bytes",
            Self::LongTask => "long_task_ms",
        }
    }

    /// One visit's values.
    pub fn of_visit(self, visit: &Value, contestant: &Value) -> Vec<f64> {
        let one = |value: Option<f64>| value.into_iter().collect();
        match self {
            Self::Cold => one(visit["cold"].as_f64()),
            Self::Cached => one(visit["warmCache"].as_f64()),
            Self::Classify => numbers(&visit["classify"]),
            Self::WithMaps => numbers(&visit["withMaps"]),
            Self::Whole => numbers(&visit["whole"]),
            // Peers have no page of their own: what runs in theirs is `Whole`.
            Self::Page if contestant["ours"] == true => numbers(&visit["page"]),
            Self::Page => Vec::new(),
            Self::Memory => {
                let memory = &visit["memory"];
                let gpu = if contestant["path"] == "webgpu" {
                    memory["gpu"].as_f64()
                } else {
                    Some(0.0)
                };
                one(memory["renderer"].as_f64().zip(gpu).map(|(a, b)| a + b))
            }
            Self::LongTask => {
                let tasks = numbers(&visit["longTasks"]);
                vec![tasks.into_iter().fold(0.0, f64::max)]
            }
        }
    }
}
