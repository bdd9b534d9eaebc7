//! The address of a server, as a URL gives it.
//!
//! ```text
//! redis://user:password@host:6379/0?name=shop&timeout=0.25
//! rediss://host/0?ca=/etc/ca.pem      valkey://  valkeys://
//! unix:///run/redis.sock?db=0         redis+sentinel://host1:26379,host2/service/0
//! ```

use std::path::PathBuf;
use std::time::Duration;

/// The way to a server, and where in it the entries are.
#[derive(Clone)]
pub struct Address {
    /// The server to ask.
    pub place: Place,
    /// The number of the database.
    pub database: i64,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    /// The name that keeps the entries apart from those of other caches in the database.
    pub name: String,
    /// How long one exchange with the server may take.
    pub timeout: Duration,
    /// A file with the certificates that are trusted instead of the system's.
    pub(super) authorities: Option<PathBuf>,
    /// The URL without its secrets, for messages.
    pub shown: String,
}

/// The server to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A server.
    Server(Host),
    /// A server behind TLS.
    Encrypted(Host),
    /// A socket of this machine.
    Socket(PathBuf),
    /// The master of a service, as one of its sentinels names it.
    Sentinels {
        /// The sentinels.
        hosts: Vec<Host>,
        /// The name of the service.
        service: String,
        /// The password for the sentinels, not for the servers.
        password: Option<String>,
    },
}

/// A machine, and the port at which it listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name or IP address.
    pub name: String,
    /// The port.
    pub port: u16,
}

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;
const TIMEOUT: Duration = Duration::from_millis(250);
const LONGEST_TIMEOUT: f64 = 3600.0;
const NAME: &str = "default";
const OPTIONS: &str = "name, timeout, db, ca and sentinel_password";

/// The parts of a URL as they are written.
struct Parts<'u> {
    scheme: &'u str,
    /// The user and the password.
    credentials: Option<&'u str>,
    hosts: &'u str,
    path: &'u str,
    query: &'u str,
}

impl<'u> Parts<'u> {
    fn of(url: &'u str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if path.contains('@') || query.contains('@') {
            return None;
        }
        // A password may hold an unescaped at sign.
        let (credentials, hosts) = match place.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(credentials), hosts),
            None => (None, place),
        };
        Some(Self { scheme, credentials, hosts, path, query })
    }

    fn shown(&self) -> String {
        format!("{}://{}{}", self.scheme, self.hosts, self.path)
    }
}

/// The options after the question mark.
#[derive(Default)]
struct Options {
    name: Option<String>,
    timeout: Option<Duration>,
    database: Option<i64>,
    authorities: Option<PathBuf>,
    sentinel_password: Option<String>,
}

impl Address {
    /// Parses `url`; the error says what is wrong with it, without its secrets.
    pub fn parse(url: &str) -> Result<Self, String> {
        // NOTE: what follows may be part of a password.
        let why = "a server's URL cannot be read: '/', '?', '#' and '@' in a password are written \
                   %2F, %3F, %23 and %40";
        let parts = Parts::of(url).ok_or(why)?;
        let shown = parts.shown();
        Self::of(&parts).map_err(|why| format!("{shown}: {why}"))
    }

    fn of(parts: &Parts<'_>) -> Result<Self, String> {
        let Options { name, timeout, database, authorities, sentinel_password } =
            options(parts.query)?;
        let (place, numbered) = place(parts, sentinel_password)?;
        if authorities.is_some() && !matches!(place, Place::Encrypted(_)) {
            return Err("ca= is for rediss:// and valkeys://, which are encrypted".to_owned());
        }
        if matches!((numbered, database), (Some(one), Some(other)) if one != other) {
            return Err("the path and db= name two databases".to_owned());
        }
        let (user, password) = credentials(parts.credentials)?;
        Ok(Self {
            place,
            database: numbered.or(database).unwrap_or(0),
            user,
            password,
            name: name.unwrap_or_else(|| NAME.to_owned()),
            timeout: timeout.unwrap_or(TIMEOUT),
            authorities,
            shown: parts.shown(),
        })
    }
}

/// Returns the server to ask, and the number of the database if the path has it.
fn place(parts: &Parts<'_>, sentinel: Option<String>) -> Result<(Place, Option<i64>), String> {
    let scheme = parts.scheme;
    if scheme != "redis+sentinel" && scheme != "valkey+sentinel" && sentinel.is_some() {
        return Err("sentinel_password= is for redis+sentinel://".to_owned());
    }
    match scheme {
        "redis" | "valkey" => Ok((Place::Server(host(parts.hosts, PORT)?), database(parts.path)?)),
        "rediss" | "valkeys" => {
            Ok((Place::Encrypted(host(parts.hosts, PORT)?), database(parts.path)?))
        }
        "unix" | "redis+unix" | "valkey+unix" => {
            if !parts.hosts.is_empty() || parts.path.len() < 2 {
                return Err(
                    "a socket is named by its whole path, as in unix:///run/redis.sock".to_owned()
                );
            }
            Ok((Place::Socket(decoded(parts.path)?.into()), None))
        }
        "redis+sentinel" | "valkey+sentinel" => {
            let path = parts.path.strip_prefix('/').unwrap_or_default();
            let (service, number) = path.split_once('/').unwrap_or((path, ""));
            if service.is_empty() {
                let example = "redis+sentinel://host1,host2/service/0";
                return Err(format!("the service is missing, as in {example}"));
            }
            let hosts = parts.hosts.split(',').map(|one| host(one, SENTINEL_PORT));
            let hosts = hosts.collect::<Result<_, _>>()?;
            let service = decoded(service)?;
            Ok((Place::Sentinels { hosts, service, password: sentinel }, database(number)?))
        }
        _ if scheme.contains("cluster") => Err(
            "Redis Cluster is not supported; name one primary, as in redis://host:6379/0, or the \
             sentinels of one, as in redis+sentinel://one,two/service/0"
                .to_owned(),
        ),
        _ if scheme.contains("sentinel") => {
            Err("sentinels are named as in redis+sentinel://one,two/service/0, without TLS"
                .to_owned())
        }
        _ => Err(format!("{scheme} is no scheme of a server that outlive knows")),
    }
}

fn host(text: &str, port: u16) -> Result<Host, String> {
    let (name, given) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, rest)) => (name, rest.strip_prefix(':')),
        None => match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        },
    };
    if name.is_empty() {
        return Err("a host is missing".to_owned());
    }
    let number = given.map(|given| given.parse().map_err(|_| format!("{given} is no port")));
    Ok(Host { name: name.to_owned(), port: number.transpose()?.unwrap_or(port) })
}

fn database(path: &str) -> Result<Option<i64>, String> {
    let number = path.strip_prefix('/').unwrap_or(path);
    if number.is_empty() {
        return Ok(None);
    }
    let parsed = number.parse().ok().filter(|number| *number >= 0);
    parsed.map(Some).ok_or_else(|| format!("{number} is no number of a database"))
}

fn credentials(text: Option<&str>) -> Result<(Option<String>, Option<String>), String> {
    let Some(text) = text else { return Ok((None, None)) };
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let given = |part: &str| -> Result<Option<String>, String> {
        Ok(Some(decoded(part)?).filter(|part| !part.is_empty()))
    };
    Ok((given(user)?, given(password)?))
}

fn options(query: &str) -> Result<Options, String> {
    let mut options = Options::default();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (option, value) = part.split_once('=').unwrap_or((part, ""));
        let value = decoded(value)?;
        match option {
            "name" => options.name = Some(checked_name(value)?),
            "timeout" => options.timeout = Some(seconds(&value)?),
            "db" => options.database = database(&value)?,
            "ca" => options.authorities = Some(value.into()),
            "sentinel_password" => options.sentinel_password = Some(value),
            _ => return Err(format!("there is no option {option:?}, only {OPTIONS}")),
        }
    }
    Ok(options)
}

/// A name is part of every key, between colons, and of patterns of keys.
fn checked_name(name: String) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !name.is_empty() && name.bytes().all(is_plain) {
        return Ok(name);
    }
    Err(format!("name={name:?} may hold ASCII letters, digits, dots, - and _"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok();
    let fits = |seconds: &f64| (0.001..=LONGEST_TIMEOUT).contains(seconds);
    let seconds = seconds.filter(fits);
    let why = || format!("timeout={text} is no number of seconds from 0.001 to 3600");
    seconds.map(Duration::from_secs_f64).ok_or_else(why)
}

/// Decodes a percent-encoded text.
fn decoded(text: &str) -> Result<String, String> {
    let wrong = || "a % is not followed by two digits of a byte".to_owned();
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digits = rest.get(..2).and_then(|digits| str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.ok_or_else(wrong)?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::{Address, Host, Place};
    use std::time::Duration;

    fn parsed(url: &str) -> Address {
        Address::parse(url).unwrap_or_else(|why| panic!("{why}"))
    }

    fn host(name: &str, port: u16) -> Host {
        Host { name: name.to_owned(), port }
    }

    /// Hosts, ports, databases and credentials are where other clients expect them.
    #[test]
    fn urls() {
        let all = parsed("redis://us%65r:p%40ss@h:1/3?name=a.b-c&timeout=1.5");
        assert_eq!((all.place, all.database), (Place::Server(host("h", 1)), 3));
        assert_eq!((all.user.as_deref(), all.password.as_deref()), (Some("user"), Some("p@ss")));
        assert_eq!((&*all.name, all.timeout), ("a.b-c", Duration::from_millis(1500)));
        assert_eq!(all.shown, "redis://h:1/3");
        let least = parsed("valkey://[::1]");
        assert_eq!((least.place, &*least.name), (Place::Server(host("::1", 6379)), "default"));
        assert_eq!(parsed("rediss://h/?db=2").database, 2);
        assert_eq!(parsed("redis://:secret@h").password.as_deref(), Some("secret"));
        let socket = parsed("unix:///run/a%20b.sock?db=1");
        assert_eq!((socket.place, socket.database), (Place::Socket("/run/a b.sock".into()), 1));
        let hosts = vec![host("a", 26379), host("b", 1)];
        let place = Place::Sentinels { hosts, service: "main".to_owned(), password: None };
        let sentinels = parsed("redis+sentinel://:p@a,b:1/main/4");
        assert_eq!((sentinels.place, sentinels.database), (place, 4));
    }

    /// Unknown parts are refused, and mistakes are named without the secrets.
    #[test]
    fn what_is_refused() {
        let refused = [
            ("redis://u:secret@h/0?tiemout=1", "there is no option \"tiemout\""),
            ("redis://u:secret@h/zero", "zero is no number of a database"),
            ("redis://u:secret@h:port", "port is no port"),
            ("redis://u:secret@/0", "a host is missing"),
            ("redis://u:secret@h/?timeout=0", "timeout=0 is no number of seconds"),
            ("redis://u:secret@h/?name=a:b", "may hold ASCII letters"),
            ("redis://u:secret@h/?ca=x", "ca= is for rediss://"),
            ("redis://u:secret@h/1?db=2", "two databases"),
            ("redis+sentinel://u:secret@h", "the service is missing"),
            ("redis+cluster://u:secret@h", "Redis Cluster is not supported; name one primary"),
            ("redis-sentinel://u:secret@h/s", "named as in redis+sentinel://"),
            ("unix://u:secret@h/x", "named by its whole path"),
            ("redis://u:sec/secret@h", "are written %2F"),
            ("redis://u:sec?secret@h", "are written %2F"),
        ];
        for (url, why) in refused {
            let Err(told) = Address::parse(url) else { panic!("{url} was taken") };
            assert!(told.contains(why) && !told.contains("secret"), "{told}");
        }
    }
}
