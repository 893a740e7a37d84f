//! What is to be started, and how.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{Error, Result};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use corio_runtime::long_call;
use corio_sync::hooks::Site;

use super::child::{Child, Pipes};
use super::communicate::Communicate;
use super::shared::Shared;
use super::status::Status;
use crate::pipe::{Receiver, pipe};
use crate::told;

/// Starts programs: std's builder, whose children can be awaited.
///
/// A child that is started by [`spawn`](Self::spawn) goes on when its [`Child`] is dropped, unless
/// [`kill_on_drop`](Self::kill_on_drop) says otherwise; its exit status is collected either way, so that
/// no zombie remains. One that is started by [`status`](Self::status) or [`output`](Self::output) ends
/// with that call: when it is cancelled, the child is killed.
///
/// The arguments reach the program as they are: no shell looks at them. For a shell, see
/// [`shell`](super::shell).
///
/// # What a child gets
///
/// Its three standard streams and no other descriptor: corio's and std's are all closed when another
/// program starts. The default actions for all signals that are listened for here, an empty signal mask,
/// and the default action for SIGPIPE, which Rust programs ignore. Signals that this program ignores
/// (as under `nohup`) it ignores, too.
///
/// What is missing here can be set on the builder of std, see [`as_std_mut`](Self::as_std_mut).
///
/// # Examples
///
/// ```
/// use corio_io::process::Command;
///
/// # corio_runtime::run(async {
/// let output = Command::new("echo").arg("hello").output().await?;
/// assert!(output.status.success());
/// assert_eq!(output.stdout, b"hello\n");
/// # Ok::<(), std::io::Error>(()) }).unwrap();
/// ```
#[doc(alias("create_subprocess_exec", "Popen"))]
pub struct Command {
    std: std::process::Command,
    /// A program that std has not taken, as there is a NUL in it: errors show it as it was given.
    refused: Option<OsString>,
    /// `None` until it is said.
    kill_on_drop: Option<bool>,
    leads_group: bool,
    merges_stderr: bool,
    /// Which of stdin, stdout and stderr have been set here.
    is_set: [bool; 3],
    /// Off in tests of what happens on systems without them.
    pub(super) pidfd: bool,
}

impl Command {
    /// A command that runs `program`, without arguments, in the environment and directory of this
    /// program, with its standard streams.
    ///
    /// A name without a slash is looked for in the `PATH` (as std does it: see
    /// [`std::process::Command::new`]).
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref();
        let refused = program.as_bytes().contains(&0).then(|| program.to_owned());
        Self { refused, ..std::process::Command::new(program).into() }
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.std.arg(arg);
        self
    }

    /// Adds several arguments.
    pub fn args(&mut self, args: impl IntoIterator<Item: AsRef<OsStr>>) -> &mut Self {
        self.std.args(args);
        self
    }

    /// Sets the name by which the program is called: the first of the arguments that it sees.
    pub fn arg0(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.std.arg0(arg);
        self
    }

    /// Sets a variable of the child's environment.
    pub fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.std.env(key, value);
        self
    }

    /// Sets several variables of the child's environment.
    pub fn envs<K, V>(&mut self, vars: impl IntoIterator<Item = (K, V)>) -> &mut Self
    where
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.std.envs(vars);
        self
    }

    /// Takes a variable out of the child's environment.
    pub fn env_remove(&mut self, key: impl AsRef<OsStr>) -> &mut Self {
        self.std.env_remove(key);
        self
    }

    /// Takes all variables out of the child's environment, but for those set here later on.
    pub fn env_clear(&mut self) -> &mut Self {
        self.std.env_clear();
        self
    }

    /// Sets the directory that the child starts in.
    #[doc(alias = "cwd")]
    pub fn current_dir(&mut self, dir: impl AsRef<Path>) -> &mut Self {
        self.std.current_dir(dir);
        self
    }

    /// Sets what the child reads from: [`Stdio::piped`], [`Stdio::null`], a file, the end of a pipe.
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Self {
        self.is_set[0] = true;
        self.std.stdin(stdin);
        self
    }

    /// Sets what the child writes to.
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Self {
        self.is_set[1] = true;
        self.std.stdout(stdout);
        self
    }

    /// Sets what the child writes errors to.
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Self {
        self.is_set[2] = true;
        self.merges_stderr = false;
        self.std.stderr(stderr);
        self
    }

    /// Has the child write errors into the same pipe as the rest of its output, in the order in which
    /// it writes: what it writes to stderr comes out of [`Child::stdout`].
    ///
    /// Stdout is piped then, whatever was set for it.
    #[doc(alias("STDOUT", "2>&1"))]
    pub fn stderr_to_stdout(&mut self) -> &mut Self {
        self.merges_stderr = true;
        self
    }

    /// Sets the user that the child runs as.
    pub fn uid(&mut self, id: u32) -> &mut Self {
        self.std.uid(id);
        self
    }

    /// Sets the group that the child runs as.
    pub fn gid(&mut self, id: u32) -> &mut Self {
        self.std.gid(id);
        self
    }

    /// Sets the process group of the child; 0 makes it the leader of a new one.
    ///
    /// Signals go to the child alone, see [`own_group`](Self::own_group) for the other way.
    pub fn process_group(&mut self, group: i32) -> &mut Self {
        self.std.process_group(group);
        self.leads_group = false;
        self
    }

    /// Has the child lead a process group of its own, which signals go to as a whole.
    ///
    /// [`kill`](super::ChildHandle::kill), [`terminate`](super::ChildHandle::terminate),
    /// [`send_signal`](super::ChildHandle::send_signal) and [`kill_on_drop`](Self::kill_on_drop) then
    /// reach the processes that the child has started, too, unless they have gone to another group:
    /// those of a shell's pipeline, for example. Ctrl-C at the terminal does not reach them any more.
    ///
    /// The group can be reached until the child's end has been noticed (by a `wait` or `try_wait`): from
    /// then on its number may mean another one. To end what a child leaves behind, kill first and wait
    /// afterwards.
    #[doc(alias("start_new_session", "killpg"))]
    pub fn own_group(&mut self) -> &mut Self {
        self.std.process_group(0);
        self.leads_group = true;
        self
    }

    /// Sets whether the child is killed when its [`Child`] is dropped, or the call that has started it
    /// is cancelled.
    ///
    /// If not set, [`spawn`](Self::spawn) lets the child go on, and [`status`](Self::status) and
    /// [`output`](Self::output) kill it. The task that drops it, like anything that cancels it, is not
    /// done before the child has ended: nothing of it is left then. Outside of a runtime, a thread of
    /// corio's sees to that.
    pub fn kill_on_drop(&mut self, kill: bool) -> &mut Self {
        self.kill_on_drop = Some(kill);
        self
    }

    /// The builder of std underneath.
    pub fn as_std(&self) -> &std::process::Command {
        &self.std
    }

    /// The builder of std underneath, for what corio has no method for.
    ///
    /// [`pre_exec`](CommandExt::pre_exec), for instance, with all that it asks of its closure: between
    /// the fork and the program's start nothing may be allocated, locked or logged. It also makes the
    /// start slower, since it needs a real fork. A signal at the death of the parent
    /// (`PR_SET_PDEATHSIG`) comes at the death of the *thread* that has spawned: a runtime's threads end
    /// when they have been idle, so spawn such children from a thread of your own.
    ///
    /// Streams that are set here count as not set for [`output`](Self::output).
    pub fn as_std_mut(&mut self) -> &mut std::process::Command {
        &mut self.std
    }

    /// The builder of std, without what was set here only.
    pub fn into_std(self) -> std::process::Command {
        self.std
    }

    /// Starts the program.
    ///
    /// The thread waits until the program runs (or could not be started), as in std: that takes a
    /// fraction of a millisecond, since no memory is copied, and more where a fork is needed (with a
    /// user, a group or a `pre_exec`).
    ///
    /// # Errors
    ///
    /// With the program's name: it is not there ([`NotFound`](std::io::ErrorKind::NotFound)), it must not be run
    /// ([`PermissionDenied`](std::io::ErrorKind::PermissionDenied)), the program or an argument has a NUL byte in it
    /// ([`InvalidInput`](std::io::ErrorKind::InvalidInput)), the system has no process or descriptor to spare, and
    /// so on. Nothing has been started then, and nothing is left open.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::process::{Command, Stdio};
    ///
    /// # corio_runtime::run(async {
    /// let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    /// let output = child.communicate("hello").await?;
    /// assert_eq!(output.stdout, b"hello");
    ///
    /// let error = Command::new("no-such-program").spawn().unwrap_err();
    /// assert!(error.to_string().starts_with("cannot start `no-such-program`: "));
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[doc(alias("create_subprocess_exec", "create_subprocess_shell"))]
    #[track_caller]
    pub fn spawn(&mut self) -> Result<Child> {
        self.spawn_with(self.kill_on_drop.unwrap_or(false), Site::caller())
    }

    fn spawn_with(&mut self, kill_on_drop: bool, site: Site) -> Result<Child> {
        let merged = if self.merges_stderr { Some(self.merge_stderr()?) } else { None };
        let spawned = long_call(|| self.std.spawn());
        if merged.is_some() {
            // The builder would keep the writing end open, and the child's output would never end.
            self.std.stdout(Stdio::null()).stderr(Stdio::null());
        }
        let mut child = spawned.map_err(|error| self.cannot_start(error))?;
        let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let shared = Shared::new(child, self.leads_group, self.pidfd);
        Child::new(shared, kill_on_drop, site, || {
            Ok(Pipes {
                stdin: streams.0.map(TryInto::try_into).transpose()?,
                stdout: match merged {
                    Some(merged) => Some(merged),
                    None => streams.1.map(TryInto::try_into).transpose()?,
                },
                stderr: streams.2.map(TryInto::try_into).transpose()?,
            })
        })
    }

    /// Has stdout and stderr go into one pipe; gives the end to read from.
    fn merge_stderr(&mut self) -> Result<Receiver> {
        let (sender, receiver) = pipe()?;
        let stdout = sender.into_blocking_fd()?;
        let stderr = stdout.try_clone()?;
        self.std.stdout(stdout).stderr(stderr);
        Ok(receiver)
    }

    /// Starts the program and waits until it has ended.
    ///
    /// A stdin that was set to be piped is closed at once.
    ///
    /// # Errors
    ///
    /// Those of [`spawn`](Self::spawn), and those of [`ChildHandle::wait`](super::ChildHandle::wait).
    ///
    /// # Cancel safety
    ///
    /// Safe, in that nothing is left: the program starts with the call, and a child that has not ended
    /// when the future is dropped is killed (see [`kill_on_drop`](Self::kill_on_drop)).
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::process::shell;
    ///
    /// # corio_runtime::run(async {
    /// assert_eq!(shell("exit 7").status().await?.code(), Some(7));
    /// # Ok::<(), std::io::Error>(()) }).unwrap();
    /// ```
    #[track_caller]
    #[doc(alias("run", "call"))]
    pub fn status(&mut self) -> Status {
        let site = Site::caller();
        Status::new(self.spawn_with(self.kill_on_drop.unwrap_or(true), site), site)
    }

    /// Starts the program, waits until it has ended, and gives what it has written.
    ///
    /// Streams that were not set are set for the occasion: stdout and stderr are collected, stdin is
    /// empty. The future is that of [`Child::communicate`] with its methods: the collected output can be
    /// limited.
    ///
    /// # Errors
    ///
    /// Those of [`spawn`](Self::spawn), and those of [`Child::communicate`].
    ///
    /// # Cancel safety
    ///
    /// Safe, in that nothing is left: the program starts with the call, and a child that has not ended
    /// when the future is dropped is killed (see [`kill_on_drop`](Self::kill_on_drop)). What it has
    /// written is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// use corio_io::process::shell;
    ///
    /// # corio_runtime::run(async {
    /// let error = shell("yes").output().max_length(10_000).await.unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    /// # });
    /// ```
    #[track_caller]
    #[doc(alias("run", "check_output"))]
    pub fn output(&mut self) -> Communicate<'static> {
        let was_set = self.is_set;
        if !was_set[0] {
            self.std.stdin(Stdio::null());
        }
        if !was_set[1] {
            self.std.stdout(Stdio::piped());
        }
        if !was_set[2] {
            self.std.stderr(Stdio::piped());
        }
        let site = Site::caller();
        let child = self.spawn_with(self.kill_on_drop.unwrap_or(true), site);
        let inherit = |set: bool| (!set).then(Stdio::inherit);
        inherit(was_set[0]).map(|stdin| self.std.stdin(stdin));
        inherit(was_set[1]).map(|stdout| self.std.stdout(stdout));
        inherit(was_set[2]).map(|stderr| self.std.stderr(stderr));
        Communicate::of_output(child, site)
    }

    #[cold]
    fn cannot_start(&self, error: Error) -> Error {
        let program = match &self.refused {
            Some(given) => given.to_string_lossy().escape_debug().to_string(),
            None => Path::new(self.std.get_program()).display().to_string(),
        };
        let text = match self.std.get_current_dir() {
            Some(dir) => format!("cannot start `{program}` in {}: {error}", dir.display()),
            None => format!("cannot start `{program}`: {error}"),
        };
        told(text, error)
    }
}

impl From<std::process::Command> for Command {
    /// Takes a builder of std. Its streams count as not set for [`output`](Self::output).
    fn from(std: std::process::Command) -> Self {
        Self {
            std,
            refused: None,
            kill_on_drop: None,
            leads_group: false,
            merges_stderr: false,
            is_set: [false; 3],
            pidfd: true,
        }
    }
}

impl fmt::Debug for Command {
    /// The program and its arguments, quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.std.fmt(f)
    }
}
