//! One connection to a server.

use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use redis::{
    Client, Connection, ConnectionAddr, ConnectionInfo, ConnectionLike, ErrorKind,
    IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, RedisError, TlsCertificates, Value,
    cmd,
};

use super::address::{Address, Host, Place};
use super::failure::Failure;
use super::signals::Undisturbed;

/// Connects within the time of one exchange, name resolution included. The system bounds neither
/// that nor all steps together, so a thread takes them, and is abandoned when the time is over.
pub fn connect(address: &Address, protocol: ProtocolVersion) -> Result<Connection, Failure> {
    let (sender, receiver) = sync_channel(1);
    let (whole, timeout) = (address.clone(), address.timeout);
    let builder = thread::Builder::new().name("outlive-connect".to_owned());
    let spawned = builder.spawn(move || {
        let _undisturbed = Undisturbed::begin();
        drop(sender.send(open(&whole, protocol)));
    });
    if let Err(error) = spawned {
        return Err(Failure::Down(format!("no thread could be started for it: {error}")));
    }
    receiver.recv_timeout(timeout).unwrap_or_else(|_| Err(Failure::late(timeout)))
}

fn open(address: &Address, protocol: ProtocolVersion) -> Result<Connection, Failure> {
    let (deadline, found) = (Instant::now() + address.timeout, target(address)?);
    let login = login(address, protocol);
    let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let open = client(found, login, address)?
        .get_connection_with_timeout(left)
        .map_err(|error| unwelcome(&error, address))?;
    let mut connection = bounded(open, address.timeout)?;
    if matches!(address.place, Place::Sentinels { .. }) {
        expect_master(&mut connection, address.timeout)?;
    }
    Ok(connection)
}

fn login(address: &Address, protocol: ProtocolVersion) -> RedisConnectionInfo {
    let mut login = RedisConnectionInfo::default()
        .set_db(address.database)
        .set_protocol(protocol)
        .set_skip_set_lib_name();
    if let Some(user) = &address.user {
        login = login.set_username(user);
    }
    if let Some(password) = &address.password {
        login = login.set_password(password);
    }
    login
}

fn client(
    target: ConnectionAddr,
    login: RedisConnectionInfo,
    address: &Address,
) -> Result<Client, Failure> {
    let failed = |error: RedisError| wrong(&error, address.timeout);
    let info = info(target, login).map_err(failed)?;
    let Some(file) = &address.authorities else { return Client::open(info).map_err(failed) };
    let unread = |error| Failure::Down(format!("{} cannot be read: {error}", file.display()));
    let root_cert = Some(std::fs::read(file).map_err(unread)?);
    Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert }).map_err(failed)
}

/// Returns why a server does not let a client in.
fn unwelcome(error: &RedisError, address: &Address) -> Failure {
    // What it says may repeat what was sent to it.
    let secrets = [address.password.as_deref(), address.user.as_deref()];
    let is_told = |words: &str| secrets.iter().flatten().all(|secret| !words.contains(secret));
    match (error.code(), error.detail()) {
        (Some(code), Some(words)) if is_told(words) => {
            Failure::Down(format!("it says {code} {words}"))
        }
        _ => wrong(error, address.timeout),
    }
}

fn info(target: ConnectionAddr, login: RedisConnectionInfo) -> Result<ConnectionInfo, RedisError> {
    let info = target.into_connection_info()?;
    let settings = info.tcp_settings().clone().set_nodelay(true);
    Ok(info.set_redis_settings(login).set_tcp_settings(settings))
}

fn bounded(connection: Connection, timeout: Duration) -> Result<Connection, Failure> {
    let bound = connection
        .set_read_timeout(Some(timeout))
        .and_then(|()| connection.set_write_timeout(Some(timeout)));
    bound.map(|()| connection).map_err(|error| wrong(&error, timeout))
}

fn target(address: &Address) -> Result<ConnectionAddr, Failure> {
    Ok(match &address.place {
        Place::Server(host) => ConnectionAddr::Tcp(host.name.clone(), host.port),
        Place::Encrypted(host) => ConnectionAddr::TcpTls {
            host: host.name.clone(),
            port: host.port,
            insecure: false,
            tls_params: None,
        },
        Place::Socket(path) => ConnectionAddr::Unix(path.clone()),
        Place::Sentinels { hosts, service, password } => {
            let host = master(hosts, service, password.as_deref(), address.timeout)?;
            ConnectionAddr::Tcp(host.name, host.port)
        }
    })
}

/// Returns the master, as named by the first sentinel that knows it.
fn master(
    hosts: &[Host],
    service: &str,
    password: Option<&str>,
    timeout: Duration,
) -> Result<Host, Failure> {
    let share = timeout / u32::try_from(hosts.len()).unwrap_or(1).max(1);
    let mut last = Failure::Down("no sentinel is named".to_owned());
    for host in hosts {
        match ask_sentinel(host, service, password, share.max(Duration::from_millis(10))) {
            Ok(Some(master)) => return Ok(master),
            Ok(None) => {
                let why = format!("no sentinel knows a master of the service {service:?}");
                last = Failure::Down(why);
            }
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

fn ask_sentinel(
    host: &Host,
    service: &str,
    password: Option<&str>,
    timeout: Duration,
) -> Result<Option<Host>, Failure> {
    let mut login = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(password) = password {
        login = login.set_password(password);
    }
    let place = ConnectionAddr::Tcp(host.name.clone(), host.port);
    let failed = |error: &RedisError| wrong(error, timeout);
    let open = info(place, login)
        .and_then(Client::open)
        .and_then(|client| client.get_connection_with_timeout(timeout))
        .map_err(|error| failed(&error))?;
    let mut connection = bounded(open, timeout)?;
    let mut ask = cmd("SENTINEL");
    ask.arg("get-master-addr-by-name").arg(service);
    let found: Option<(String, u16)> =
        ask.query(&mut connection).map_err(|error| failed(&error))?;
    Ok(found.map(|(name, port)| Host { name, port }))
}

/// A sentinel may name a server for a moment after it has ceased to be the master.
fn expect_master(connection: &mut Connection, timeout: Duration) -> Result<(), Failure> {
    let role = connection.req_command(&cmd("ROLE")).map_err(|error| wrong(&error, timeout))?;
    let is_master = |role: &Value| match role {
        Value::BulkString(role) => role == b"master",
        Value::SimpleString(role) => role == "master",
        _ => false,
    };
    match role {
        Value::Array(parts) if parts.first().is_some_and(is_master) => Ok(()),
        _ => Err(Failure::Down("the sentinels name a server that is no master".to_owned())),
    }
}

/// Sends `commands` together and reads a reply to each. After an error the connection is of no use:
/// later replies would be taken for those of other commands.
pub fn exchange(
    connection: &mut Connection,
    commands: &[u8],
    replies: usize,
    timeout: Duration,
) -> Result<Vec<Value>, Failure> {
    let _undisturbed = Undisturbed::begin();
    if let Err(error) = connection.send_packed_command(commands) {
        let last = if error.is_timeout() { None } else { connection.recv_response().ok() };
        return Err(last_words(last.as_ref()).unwrap_or_else(|| wrong(&error, timeout)));
    }
    let mut received = Vec::with_capacity(replies);
    while received.len() < replies {
        match connection.recv_response() {
            Ok(reply) => received.push(reply),
            Err(error) => {
                return Err(last_words(received.last()).unwrap_or_else(|| wrong(&error, timeout)));
            }
        }
    }
    Ok(received)
}

/// Returns why a server closed the connection, if its `last` reply says that it does not take what
/// was sent.
fn last_words(last: Option<&Value>) -> Option<Failure> {
    let Some(Value::ServerError(error)) = last else { return None };
    Some(Failure::of(error)).filter(|failure| matches!(failure, Failure::Unfit(_)))
}

/// Returns the meaning of a client's error.
pub fn wrong(error: &RedisError, timeout: Duration) -> Failure {
    if error.is_timeout() {
        return Failure::late(timeout);
    }
    // The server's words about a login may repeat what was sent; its code does not.
    match error.code() {
        Some(code) => Failure::Down(format!("it says {code}")),
        None if error.kind() == ErrorKind::Parse => {
            Failure::Down("what answers there is neither Redis nor Valkey".to_owned())
        }
        // The rest of a message shows what was read of something that is no such server.
        None => Failure::Down(error.to_string().lines().next().unwrap_or_default().to_owned()),
    }
}
