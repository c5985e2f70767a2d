//! The system calls that the standard library does not offer: epoll with nanosecond timeouts, and `memmem`. Linux 5.11.

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::raw::{c_int, c_long, c_ulong};
use std::time::Duration;

const EPOLL_CLOEXEC: c_int = 0x80000;
const EPOLL_CTL_ADD: c_int = 1;
const EPOLL_CTL_MOD: c_int = 3;
const EPOLLIN: u32 = 1;
const EPOLLOUT: u32 = 4;
const EPOLLERR_HUP: u32 = 0x18;
const SYS_EPOLL_PWAIT2: c_long = 441;
const PR_SET_TIMERSLACK: c_int = 29;
const MAX_EVENTS: usize = 1024;

#[derive(Clone, Copy)]
#[cfg_attr(target_arch = "x86_64", repr(C, packed))]
#[cfg_attr(not(target_arch = "x86_64"), repr(C))]
struct EpollEvent {
    events: u32,
    token: u64,
}

#[repr(C)]
struct Timespec {
    seconds: i64,
    nanoseconds: c_long,
}

extern "C" {
    fn epoll_create1(flags: c_int) -> c_int;
    fn epoll_ctl(epoll: c_int, operation: c_int, fd: c_int, event: *mut EpollEvent) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
    fn prctl(option: c_int, ...) -> c_int;
    fn memmem(text: *const c_void, length: usize, part: *const c_void, part_length: usize) -> *const c_void;
}

/// What a file descriptor is ready for; an error or a hang-up counts as readable, since reading reports it.
#[derive(Clone, Copy)]
pub struct Ready {
    pub token: usize,
    pub readable: bool,
    pub writable: bool,
}

/// Waits for many sockets at once (level-triggered).
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<EpollEvent>,
}

impl Poller {
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointers; the descriptor is owned by nobody else.
        let epoll = unsafe { OwnedFd::from_raw_fd(checked(epoll_create1(EPOLL_CLOEXEC))?) };
        Ok(Poller { epoll, events: vec![EpollEvent { events: 0, token: 0 }; MAX_EVENTS] })
    }

    /// Watches for input from now until the socket is closed.
    pub fn add(&self, socket: &impl AsRawFd, token: usize) -> io::Result<()> {
        self.control(EPOLL_CTL_ADD, socket, token, EPOLLIN)
    }

    /// Says whether room for output is awaited as well.
    pub fn await_output(&self, socket: &impl AsRawFd, token: usize, awaited: bool) -> io::Result<()> {
        self.control(EPOLL_CTL_MOD, socket, token, if awaited { EPOLLIN | EPOLLOUT } else { EPOLLIN })
    }

    fn control(&self, operation: c_int, socket: &impl AsRawFd, token: usize, events: u32) -> io::Result<()> {
        let mut event = EpollEvent { events, token: token as u64 };
        // SAFETY: `event` lives through the call, and the kernel checks the descriptors.
        checked(unsafe { epoll_ctl(self.epoll.as_raw_fd(), operation, socket.as_raw_fd(), &mut event) })?;
        Ok(())
    }

    /// Appends what is ready to `ready`; waits no longer than `timeout`.
    pub fn wait(&mut self, timeout: Duration, ready: &mut Vec<Ready>) -> io::Result<()> {
        let timeout = Timespec { seconds: timeout.as_secs() as i64, nanoseconds: timeout.subsec_nanos() as c_long };
        // SAFETY: `events` holds MAX_EVENTS entries, of which the kernel fills as many as it returns.
        let count = unsafe {
            syscall(
                SYS_EPOLL_PWAIT2,
                c_long::from(self.epoll.as_raw_fd()),
                self.events.as_mut_ptr(),
                MAX_EVENTS as c_long,
                &timeout as *const Timespec,
                std::ptr::null::<c_void>(),
                0 as c_long,
            )
        };
        if count < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) };
        }
        ready.extend(self.events[..count as usize].iter().map(|event| Ready {
            token: event.token as usize,
            readable: event.events & (EPOLLIN | EPOLLERR_HUP) != 0,
            writable: event.events & EPOLLOUT != 0,
        }));
        Ok(())
    }
}

/// Lets timeouts of this thread end on time; the kernel otherwise adds up to 50 µs to save wake-ups.
pub fn wake_on_time() -> io::Result<()> {
    // SAFETY: no pointers.
    checked(unsafe { prctl(PR_SET_TIMERSLACK, 1 as c_ulong) }).map(|_| ())
}

/// Where `part` begins in `text`.
pub fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    // SAFETY: both ranges are valid for reads; the result is null or points into `text`.
    let found = unsafe { memmem(text.as_ptr().cast(), text.len(), part.as_ptr().cast(), part.len()) };
    (!found.is_null()).then(|| found as usize - text.as_ptr() as usize)
}

fn checked(result: c_int) -> io::Result<c_int> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;
    use std::time::Instant;

    #[test]
    fn finds_parts() {
        assert_eq!(find(b"head\r\n\r\nbody", b"\r\n\r\n"), Some(4));
        assert_eq!(find(b"head\r\n\r", b"\r\n\r\n"), None);
        assert_eq!(find(b"", b"x"), None);
    }

    #[test]
    fn tells_what_is_ready_and_waits_no_longer_than_asked() {
        let (a, mut b) = UnixStream::pair().unwrap();
        let (mut poller, mut ready) = (Poller::new().unwrap(), Vec::new());
        poller.add(&a, 5).unwrap();
        let start = Instant::now();
        poller.wait(Duration::from_millis(2), &mut ready).unwrap();
        assert!(ready.is_empty() && start.elapsed() >= Duration::from_millis(2));
        b.write_all(b"x").unwrap();
        poller.await_output(&a, 5, true).unwrap();
        poller.wait(Duration::from_secs(9), &mut ready).unwrap();
        assert_eq!(ready.iter().map(|r| (r.token, r.readable, r.writable)).collect::<Vec<_>>(), [(5, true, true)]);
    }
}
