//! Serves the built page on this machine only.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use anyhow::{Context, Result};
use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::shell::{Cmd, failure};
use crate::steps::note;

/// The port when none is asked for; the next free one if it is taken.
const DEFAULT_PORT: u16 = 8080;

/// How many ports after the default one are tried.
const TRIES: u16 = 50;

/// A page that waits to be served.
pub struct Server {
    listener: TcpListener,
    /// Where the page will be.
    pub url: String,
}

impl Server {
    /// Takes a port: the one asked for, or the first free one from the default on.
    pub fn bind(port: Option<u16>) -> Result<Self> {
        match port {
            Some(port) => Self::listen(port).map_err(|error| {
                failure(
                    format!("cannot serve on port {port}: {error}"),
                    "Name another port with --port, or leave --port out: then the next free one is taken.",
                )
            }),
            None => Self::bind_from(DEFAULT_PORT),
        }
    }

    /// Takes any free port.
    pub fn bind_any() -> Result<Self> {
        Self::listen(0).context("cannot serve on this machine")
    }

    /// Takes the first free port from `first` on.
    fn bind_from(first: u16) -> Result<Self> {
        let last = first.saturating_add(TRIES);
        for port in first..=last {
            match Self::listen(port) {
                Ok(server) => return Ok(server),
                Err(error) if error.kind() == ErrorKind::AddrInUse => {
                    note(&format!("port {port} is taken"));
                }
                Err(error) => {
                    return Err(failure(
                        format!("cannot serve on port {port}: {error}"),
                        "Name a port with --port.",
                    ));
                }
            }
        }
        Err(failure(
            format!("the ports {first} to {last} are all taken"),
            "Name a free port with --port.",
        ))
    }

    /// Takes this port.
    fn listen(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let url = format!("http://{}/", listener.local_addr()?);
        Ok(Self { listener, url })
    }

    /// Serves the files below `folder` until the process ends.
    pub fn run(self, folder: &Path) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .context("cannot start the server")?;
        self.listener
            .set_nonblocking(true)
            .context("cannot start the server")?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            axum::serve(listener, router(folder)).await
        })?;
        Ok(())
    }

    /// Serves the files below `folder` from another thread.
    pub fn run_aside(self, folder: &Path) {
        let folder = folder.to_owned();
        std::thread::spawn(move || {
            if let Err(error) = self.run(&folder) {
                eprintln!("the server stopped: {error:#}");
            }
        });
    }
}

/// Answers with the files below `folder`.
fn router(folder: &Path) -> Router {
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
    };
    Router::new()
        .fallback_service(ServeDir::new(folder))
        .layer(header(header::CACHE_CONTROL, "no-cache"))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
}

/// Opens the page in the user's browser; only a note when that cannot be done.
pub fn open(url: &str) {
    let call = if cfg!(target_os = "macos") {
        Cmd::new("open").arg(url)
    } else if cfg!(windows) {
        Cmd::new("cmd").args(["/C", "start", "", url])
    } else {
        Cmd::new("xdg-open").arg(url)
    };
    if let Err(error) = call.output() {
        note(&format!(
            "cannot open a browser ({error:#}); open the address above yourself"
        ));
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;
    use crate::shell::{remove_folder, write};

    /// What the server answers, with lower-case headers.
    fn get(url: &str, path: &str) -> Result<String> {
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(host)?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.to_lowercase())
    }

    #[test]
    fn serves_files_with_their_types() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-serve-{}", std::process::id()));
        for (file, text) in [
            ("dist/index.html", "the page"),
            ("dist/a.wasm", "module"),
            ("dist/a.js", "script"),
            ("dist/a.json", "{}"),
            ("dist/a.safetensors", "weights"),
            ("secret", "hidden"),
        ] {
            write(&folder.join(file), text)?;
        }
        let server = Server::bind_any()?;
        let url = server.url.clone();
        server.run_aside(&folder.join("dist"));

        for (path, kind) in [
            ("/", "text/html"),
            ("/a.wasm", "application/wasm"),
            ("/a.js", "text/javascript"),
            ("/a.json", "application/json"),
            ("/a.safetensors", "application/octet-stream"),
        ] {
            let answer = get(&url, path)?;
            assert!(answer.starts_with("http/1.1 200"), "{path}: {answer}");
            assert!(
                answer.contains(&format!("content-type: {kind}")),
                "{path}: {answer}"
            );
            assert!(answer.contains("cache-control: no-cache"), "{path}");
            assert!(answer.contains("x-content-type-options: nosniff"), "{path}");
        }
        for path in ["/missing", "/../secret", "/%2e%2e/secret", "/..%2fsecret"] {
            let answer = get(&url, path)?;
            assert!(answer.starts_with("http/1.1 4"), "{path}: {answer}");
            assert!(!answer.contains("hidden"), "{path}");
        }
        remove_folder(&folder)
    }

    #[test]
    fn a_taken_port_is_an_error_or_passed_over() -> Result<()> {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = taken.local_addr()?.port();
        assert!(Server::bind(Some(port)).is_err());
        let next = Server::bind_from(port)?;
        assert_ne!(next.url, format!("http://127.0.0.1:{port}/"));
        Ok(())
    }
}
