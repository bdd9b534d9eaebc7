//! Maps of files that may be cut: their readers find zeros, not the end of the process.
//!
//! The kernel sends SIGBUS where a map has no file behind it. The handler puts an empty page in the
//! place of one of ours, and the read goes on; any other SIGBUS goes to the previous handler.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::libc;

/// How many maps there may be; a later one is refused.
const MOST: usize = 256;

/// The starts of maps; 0 for none. A signal handler must find them without a lock.
static MAPS: [AtomicUsize; MOST] = [const { AtomicUsize::new(0) }; MOST];

/// The handler of a SIGBUS that is not ours.
static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();

/// A map whose reads survive a cut of its file, until this is dropped.
#[derive(Debug)]
pub struct Guarded(&'static AtomicUsize);

impl Guarded {
    /// Guards the map of one page that begins at `start`; None if there are too many.
    pub fn new(start: usize) -> Option<Self> {
        install()?;
        let claim = |map: &&AtomicUsize| {
            map.compare_exchange(0, start, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        MAPS.iter().find(claim).map(Self)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Release);
    }
}

/// Makes sure that the handler is installed.
fn install() -> Option<()> {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| {
        let (mut ours, mut previous) = (MaybeUninit::zeroed(), MaybeUninit::zeroed());
        // SAFETY: a zeroed `sigaction` is a valid one, and both are alive during the calls. The
        // previous handler is known before ours can run.
        unsafe {
            if libc::sigaction(libc::SIGBUS, ptr::null(), previous.as_mut_ptr()) != 0 {
                return false;
            }
            let _ = PREVIOUS.set(previous.assume_init());
            let action: *mut libc::sigaction = ours.as_mut_ptr();
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_bus_error;
            (*action).sa_sigaction = handler as usize;
            (*action).sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
            libc::sigaction(libc::SIGBUS, action, ptr::null_mut()) == 0
        }
    });
    installed.then_some(())
}

/// IMPORTANT: it calls only functions that a signal handler may call.
extern "C" fn on_bus_error(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel hands over a valid `siginfo_t`, and SIGBUS has an address.
    let address = unsafe { (*info).si_addr() } as usize;
    let holds = |start: usize| start != 0 && (start..start + SIZE).contains(&address);
    let map = MAPS.iter().map(|map| map.load(Ordering::Acquire)).find(|&start| holds(start));
    if !map.is_some_and(put_empty_page) {
        hand_on(signal, info, context);
    }
}

/// The size of a map in bytes.
const SIZE: usize = crate::store::PAGE_SIZE;

/// Puts zeros in the place of the map that begins at `start`.
pub fn put_empty_page(start: usize) -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    // SAFETY: the pages belong to a guarded map, so it is alive; they are only read, through
    // atomics, and are unmapped by their address.
    let empty = unsafe { libc::mmap(start as *mut c_void, SIZE, libc::PROT_READ, flags, -1, 0) };
    empty != libc::MAP_FAILED
}

/// Passes a SIGBUS on as if we were not there.
fn hand_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let Some(previous) = PREVIOUS.get() else { return };
    // SAFETY: the previous handler was installed to be called like this. By default the fault comes
    // again when this one returns, and ends the process.
    unsafe {
        match previous.sa_sigaction {
            libc::SIG_DFL | libc::SIG_IGN => {
                libc::sigaction(signal, previous, ptr::null_mut());
            }
            handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
                type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
                std::mem::transmute::<usize, Handler>(handler)(signal, info, context);
            }
            handler => std::mem::transmute::<usize, extern "C" fn(c_int)>(handler)(signal),
        }
    }
}
