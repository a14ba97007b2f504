//! Runs other programs, with time limits, logs and errors that say what to do.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// A step that failed, with what its user can do about it.
#[derive(Debug)]
pub struct Failure {
    what: String,
    /// What the user can do, in whole sentences.
    pub todo: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

/// An error that tells what failed and what to do about it.
pub fn failure(what: impl Into<String>, todo: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Failure {
        what: what.into(),
        todo: todo.into(),
    })
}

/// Adds what to do to an error.
pub trait OrTodo<T> {
    /// Says what failed and what to do about it.
    fn or_todo(self, what: &str, todo: &str) -> Result<T>;
}

impl<T> OrTodo<T> for Result<T> {
    fn or_todo(self, what: &str, todo: &str) -> Result<T> {
        self.map_err(|error| {
            error.context(Failure {
                what: what.to_owned(),
                todo: todo.to_owned(),
            })
        })
    }
}

/// How often a step without output of its own says that it is still at work.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(50);

/// One call of a program.
pub struct Cmd {
    inner: Command,
    shown: String,
    limit: Option<Duration>,
    log: Option<PathBuf>,
}

impl Cmd {
    /// Calls `program`, found on PATH or by its path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref();
        let shown = Path::new(program)
            .file_name()
            .unwrap_or(program)
            .to_string_lossy()
            .into_owned();
        let mut inner = Command::new(program);
        inner.stdin(Stdio::null());
        Self {
            inner,
            shown,
            limit: None,
            log: None,
        }
    }

    /// The cargo that runs xtask.
    pub fn cargo() -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// npm, which is a script on Windows.
    pub fn npm() -> Self {
        Self::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.shown.push(' ');
        self.shown.push_str(&arg.as_ref().to_string_lossy());
        self.inner.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<I, S>(self, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        args.into_iter().fold(self, Cmd::arg)
    }

    /// Sets an environment variable.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.inner.env(key, value);
        self
    }

    /// Sets environment variables.
    pub fn envs<I, K, V>(mut self, pairs: I) -> Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.inner.envs(pairs);
        self
    }

    /// Drops an environment variable.
    pub fn env_remove(mut self, key: &str) -> Self {
        self.inner.env_remove(key);
        self
    }

    /// Runs in `folder`.
    pub fn dir(mut self, folder: impl AsRef<Path>) -> Self {
        self.inner.current_dir(folder);
        self
    }

    /// Ends the program when it takes longer than this.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Writes the output to a file; the last lines are shown only when the program fails.
    pub fn log(mut self, file: impl Into<PathBuf>) -> Self {
        self.log = Some(file.into());
        self
    }

    /// Leaves the terminal to the program, so that it may ask for a password.
    pub fn interactive(mut self) -> Self {
        self.inner.stdin(Stdio::inherit());
        self
    }

    /// Runs the program to its end; an error unless it succeeded.
    pub fn run(mut self) -> Result<()> {
        println!("    $ {}", self.shown);
        if let Some(log) = &self.log {
            let file = create(log)?;
            let copy = file
                .try_clone()
                .with_context(|| format!("cannot write to {}", log.display()))?;
            self.inner.stdout(file).stderr(copy);
        }
        let mut child = self
            .inner
            .spawn()
            .with_context(|| format!("cannot start `{}`", self.shown))?;
        let status = wait(&mut child, &self.shown, self.limit, self.log.as_deref());
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.with_log(format!("`{}` failed ({status})", self.shown))),
            Err(error) => Err(self.with_log(error.to_string())),
        }
    }

    /// Runs the program quietly and gives what it printed; an error unless it succeeded.
    pub fn output(mut self) -> Result<String> {
        let output = self
            .inner
            .output()
            .with_context(|| format!("cannot start `{}`", self.shown))?;
        if !output.status.success() {
            bail!(
                "`{}` failed ({})\n{}",
                self.shown,
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The error `message`, with the end of the log when there is one.
    fn with_log(&self, message: String) -> anyhow::Error {
        match &self.log {
            Some(log) => anyhow::anyhow!(
                "{message}; the end of {}:\n{}",
                log.display(),
                tail(log, 25)
            ),
            None => anyhow::anyhow!(message),
        }
    }
}

/// Waits for a program, and says now and then that it is still at work when it prints nothing itself.
fn wait(
    child: &mut Child,
    shown: &str,
    limit: Option<Duration>,
    log: Option<&Path>,
) -> Result<ExitStatus> {
    let start = Instant::now();
    let mut next = HEARTBEAT;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let elapsed = start.elapsed();
        if limit.is_some_and(|limit| elapsed > limit) {
            // It may have ended by itself in the meantime: nothing to do then.
            let _ = child.kill();
            let _ = child.wait();
            bail!(
                "`{shown}` did not finish within {} s and was stopped",
                elapsed.as_secs()
            );
        }
        if let Some(log) = log.filter(|_| elapsed > next) {
            let line = tail(log, 1);
            let line: String = line.trim().chars().take(100).collect();
            println!("      {:>3} s  {line}", elapsed.as_secs());
            next += HEARTBEAT;
        }
        std::thread::sleep(POLL);
    }
}

/// The last `count` non-empty lines of a file; nothing when it cannot be read.
fn tail(file: &Path, count: usize) -> String {
    const ENOUGH: u64 = 16 * 1024;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(file)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(ENOUGH)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
    let mut lines = VecDeque::with_capacity(count + 1);
    // Progress bars overwrite their line with a carriage return.
    for line in text.split(['\n', '\r']).filter(|l| !l.trim().is_empty()) {
        lines.push_back(line);
        if lines.len() > count {
            lines.pop_front();
        }
    }
    lines.make_contiguous().join("\n")
}

/// Creates a file and the folders above it.
pub fn create(file: &Path) -> Result<File> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    }
    File::create(file).with_context(|| format!("cannot write {}", file.display()))
}

/// Writes a file and creates the folders above it.
pub fn write(file: &Path, text: &str) -> Result<()> {
    create(file)?;
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Removes a folder with all it holds; fine when there is none.
pub fn remove_folder(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Finds a program on PATH.
pub fn which(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .flat_map(|folder| executables(&folder, name))
        .find(|path| is_executable(path))
}

/// The names under which `folder` may hold the program `name`.
pub fn executables(folder: &Path, name: &str) -> Vec<PathBuf> {
    if cfg!(windows) {
        ["exe", "cmd", "bat"]
            .map(|suffix| folder.join(format!("{name}.{suffix}")))
            .to_vec()
    } else {
        vec![folder.join(name)]
    }
}

/// Whether a path is a file that may be run.
pub fn is_executable(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        path.metadata()
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    {
        path.is_file()
    }
}

/// PATH with `folders` in front.
pub fn path_with(folders: &[PathBuf]) -> Result<OsString> {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let all = folders
        .iter()
        .cloned()
        .chain(std::env::split_paths(&old).filter(|folder| !folders.contains(folder)));
    std::env::join_paths(all).context("a folder's name cannot stand in PATH")
}

/// Whether someone sits at the terminal.
pub fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_its_advice_under_more_context() {
        let error = failure("it broke", "mend it").context("outer");
        let found = error.downcast_ref::<Failure>().map(|f| f.todo.as_str());
        assert_eq!(found, Some("mend it"));
    }

    #[test]
    fn advice_is_added_to_any_error() {
        let plain: Result<()> = Err(anyhow::anyhow!("inner"));
        let error = plain.or_todo("outer", "mend it").err();
        let found = error
            .as_ref()
            .and_then(|e| e.downcast_ref::<Failure>())
            .map(|f| f.todo.as_str());
        assert_eq!(found, Some("mend it"));
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_hangs_is_stopped() {
        let start = Instant::now();
        let result = Cmd::new("sleep")
            .arg("30")
            .limit(Duration::from_millis(100))
            .run();
        assert!(result.is_err());
        assert!(start.elapsed() < Duration::from_secs(10));
    }

    #[cfg(unix)]
    #[test]
    fn a_failed_program_shows_the_end_of_its_log() {
        let log = std::env::temp_dir().join(format!("xtask-log-{}", std::process::id()));
        let result = Cmd::new("sh")
            .args(["-c", "echo the reason; exit 3"])
            .log(&log)
            .run();
        let _ = std::fs::remove_file(&log);
        let text = result.err().map(|e| e.to_string()).unwrap_or_default();
        assert!(text.contains("the reason"), "{text}");
    }

    #[test]
    fn folders_come_first_on_path() -> Result<()> {
        let first = PathBuf::from("first-of-all");
        let path = path_with(std::slice::from_ref(&first))?;
        assert_eq!(std::env::split_paths(&path).next(), Some(first));
        Ok(())
    }
}
