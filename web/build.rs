//! Whether the page's program is split in two: `cargo xtask build` asks for it, and cuts the linked program.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(split)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SCANLIGHT_SPLIT");
    let wasm = std::env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm");
    if wasm && std::env::var_os("SCANLIGHT_SPLIT").is_some() {
        println!("cargo::rustc-cfg=split");
        // The relocations tell which function needs which.
        println!("cargo::rustc-link-arg-bin=scanlight-web=--emit-relocs");
    }
}
