//! Configuration sections whose comments are written once: for rustdoc and for the TOML file.

/// A configuration section that knows its keys' documentation.
pub trait Documented {
    /// Each key with the lines of its documentation, in the file's order.
    const KEYS: &'static [(&'static str, &'static [&'static str])];
}

/// Declares a section of the configuration: a struct whose fields state their default, with serde
/// that refuses unknown keys and fills missing ones, [`Default`], and [`Documented`].
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        pub struct $name:ident {
            $( $(#[doc = $doc:literal])* pub $key:ident: $kind:ty = $default:expr, )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $( $(#[doc = $doc])* pub $key: $kind, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $key: $default, )* }
            }
        }

        impl $crate::config::documented::Documented for $name {
            const KEYS: &'static [(&'static str, &'static [&'static str])] =
                &[ $( (stringify!($key), &[ $( $doc, )* ]), )* ];
        }
    };
}

pub(super) use section;
