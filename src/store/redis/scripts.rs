//! Scripts: operations that the server does in one step. What another program put in the place of a
//! lease, a generation or an entry counts as nothing (`MGET` and `pcall`). A generation is a whole
//! number below 2^53, in digits: after any other one, which no clock will reach, nothing could ever
//! be cleared.
//!
//! A lease is a token. `-` in its place says that who had it is outdated, and whoever takes the key
//! next puts `-` before its own token: so does everybody who computes since before learn of it, at
//! the end or while the lease is renewed, though the key was taken and given back meanwhile.
//!
//! A miss has two of them run, so these call the server's commands as seldom as they can: each call
//! takes it longer than a question of its own does.

use std::sync::LazyLock;

/// A script, which a server that has run it before knows by its hash.
pub struct Script {
    /// What is run.
    pub text: &'static str,
    hash: LazyLock<String>,
}

impl Script {
    /// The hash by which servers know it.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// Makes a script of its text.
macro_rules! script {
    ($text:expr) => {
        Script {
            text: $text,
            hash: LazyLock::new(|| redis::Script::new($text).get_hash().to_owned()),
        }
    };
}

/// Makes a script of its text, which reads generations by `since`.
macro_rules! dated {
    ($text:expr) => {
        script!(concat!(
            r"local function since(text)
  if not text or #text>16 or string.find(text,'%D') then return 0 end
  local number=tonumber(text) or 0
  return number<2^53 and number or 0
end",
            $text
        ))
    };
}

/// Takes a key for this token, unless another one has its lease or, if so told, there is an entry
/// that counts. The reply has what a look would give, too: the generations and the entry.
///
/// Keys: lease, two generations, entry. Arguments: token, milliseconds, 1 if an entry will do. The
/// first part of the reply is 1 if the key is taken, 0 if another one has it, 2 if an entry will do.
pub static TAKE: Script = dated!(
    r"
local found=redis.call('MGET',KEYS[1],KEYS[2],KEYS[3],KEYS[4])
local held,entry=found[1],found[4]
found[1]=0
if entry and ARGV[3]=='1' and #entry>=22 then
  local generation=math.max(since(found[2]),since(found[3]))
  if struct.unpack('<d',entry,7)>=generation then found[1]=2 return found end
end
local token=ARGV[1]
if held and string.sub(held,1,1)=='-' then token='-'..token end
if not held or held=='-' or held==token then
  redis.call('SET',KEYS[1],token,'PX',ARGV[2])
  found[1]=1
end
return found"
);

/// Keeps the result of a computation, unless another one has its lease or a generation began
/// meanwhile, and gives the lease back.
///
/// Keys: lease, two generations, entry. Arguments: token, generation, value, lifetime in milliseconds
/// if it has one. Returns 1 if it is kept, 0 if it is outdated.
pub static COMMIT: Script = dated!(
    r"
local found=redis.call('MGET',KEYS[1],KEYS[2],KEYS[3])
local held,all,own=found[1],found[2],found[3]
if held and held~=ARGV[1] and held~='-'..ARGV[1] then return 0 end
if math.max(since(all),since(own))~=tonumber(ARGV[2]) then return 0 end
if ARGV[4] then
  redis.call('SET',KEYS[4],ARGV[3],'PX',ARGV[4])
else
  redis.call('SET',KEYS[4],ARGV[3])
end
if held==ARGV[1] then
  redis.call('DEL',KEYS[1])
elseif held then
  redis.call('SET',KEYS[1],'-','KEEPTTL')
end
return 1"
);

/// Keeps an entry that no lease protects. The reason decides what prevents it: `c` computed
/// (nothing), `g` given (nothing; computations of it are outdated), `u` upkeep (nothing), `n`
/// computed while the server was away (any entry that counts).
///
/// Keys: lease, two generations, entry. Arguments: reason, head, tail, lifetime in milliseconds or
/// nothing, milliseconds of a lease. Returns 1 if it is kept, 2 if there is one already.
pub static KEEP: Script = dated!(
    r"
local why=ARGV[1]
local found=redis.call('MGET',KEYS[1],KEYS[2],KEYS[3])
local generation=math.max(since(found[2]),since(found[3]))
if why=='n' then
  local old=redis.pcall('GETRANGE',KEYS[4],6,13)
  if type(old)=='string' and #old==8 and struct.unpack('<d',old)>=generation then return 2 end
elseif why=='g' and found[1] then
  redis.call('SET',KEYS[1],'-','PX',ARGV[5])
end
local value=ARGV[2]..struct.pack('<d',generation)..ARGV[3]
if ARGV[4]=='' then
  redis.call('SET',KEYS[4],value)
else
  redis.call('SET',KEYS[4],value,'PX',ARGV[4])
end
return 1"
);

/// Forgets an entry; if a caller asked for it (`g`), computations of it are outdated.
///
/// Keys: lease, entry. Arguments: why, milliseconds of a lease.
pub static REMOVE: Script = script!(
    r"
if ARGV[1]=='g' and redis.call('EXISTS',KEYS[1])==1 then
  redis.call('SET',KEYS[1],'-','PX',ARGV[2])
end
return redis.call('UNLINK',KEYS[2])"
);

/// Begins a generation: what was made before counts no more. One of all forgets the salt, too. A
/// user who may not ask for the server's time has the client's; what no clock says counts as nothing.
///
/// Keys: a generation; the hash with the salt, if it is one of all. Argument: microseconds since the
/// epoch.
pub static BEGIN: Script = dated!(
    r"
local time=redis.pcall('TIME')
local now=tonumber(ARGV[1])
if not time['err'] then now=time[1]*1000000+time[2] end
local old=redis.pcall('GET',KEYS[1])
old=since(type(old)=='string' and old)
if now<=old then now=old+1 end
redis.call('SET',KEYS[1],string.format('%.0f',now))
if KEYS[2] then redis.call('HDEL',KEYS[2],'salt') end
return 1"
);

/// Makes a lease last longer, if it is still this token's. Returns 1 if it does, -1 if the
/// computation is outdated.
///
/// Key: lease. Arguments: token, milliseconds.
pub static RENEW: Script = script!(
    r"
local held=redis.pcall('GET',KEYS[1])
if held==ARGV[1] or held=='-'..ARGV[1] then return redis.call('PEXPIRE',KEYS[1],ARGV[2]) end
if type(held)=='string' and string.sub(held,1,1)=='-' then return -1 end
return 0"
);

/// Gives a lease back, if it is still this token's.
///
/// Key: lease. Argument: token.
pub static RELEASE: Script = script!(
    r"
local held=redis.pcall('GET',KEYS[1])
if held==ARGV[1] then return redis.call('DEL',KEYS[1]) end
if held=='-'..ARGV[1] then redis.call('SET',KEYS[1],'-','KEEPTTL') end
return 0"
);

/// Outdates who computes a key.
///
/// Key: lease. Argument: milliseconds of a lease.
pub static OUTDATE: Script = script!(
    r"
if redis.call('EXISTS',KEYS[1])==1 then redis.call('SET',KEYS[1],'-','PX',ARGV[1]) end
return 1"
);

/// Deletes an entry, unless one that counts has taken its place.
///
/// Key: entry. Argument: since when entries count.
pub static SWEEP: Script = script!(
    r"
local old=redis.pcall('GETRANGE',KEYS[1],6,13)
if type(old)=='string' and #old==8 and struct.unpack('<d',old)<tonumber(ARGV[1]) then
  return redis.call('UNLINK',KEYS[1])
end
return 0"
);
