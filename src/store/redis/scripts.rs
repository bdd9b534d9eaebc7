//! Scripts: operations that the server does in one step. What another program put in the place of a
//! lease, a generation or an entry counts as nothing (`pcall`).

/// Takes a key for this token, unless another one has its lease or, if so told, there is an entry
/// that counts. The reply has what a look would give, too: the generations and the entry.
///
/// Keys: lease, two generations, entry. Arguments: token, milliseconds, 1 if an entry will do. The
/// first part of the reply is 1 if the key is taken, 0 if another one has it, 2 if an entry will do.
pub const TAKE: &str = r"
local held=redis.pcall('GET',KEYS[1])
if type(held)=='table' then held=false end
local found=redis.call('MGET',KEYS[2],KEYS[3],KEYS[4])
local lot=0
if ARGV[3]=='1' and found[3] and #found[3]>=22 then
  local all,own=tonumber(found[1] or 0) or 0,tonumber(found[2] or 0) or 0
  if struct.unpack('<d',found[3],7)>=math.max(all,own) then lot=2 end
end
if lot==0 and (not held or held=='-' or held==ARGV[1]) then
  redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2])
  lot=1
end
return {lot,held,found[1],found[2],found[3]}";

/// Keeps an entry. The reason decides what prevents it: `c` computed (another's lease, or a
/// generation that began meanwhile), `g` given (nothing; computations of it are outdated), `u`
/// upkeep (nothing), `n` computed while the server was away (any entry that counts).
///
/// Keys: lease, two generations, entry. Arguments: reason, token or nothing, generation or nothing,
/// head, tail, lifetime in milliseconds or nothing, milliseconds of a lease. Returns 1 if it is
/// kept, 0 if it is outdated, 2 if there is one already.
pub const KEEP: &str = r"
local why,token=ARGV[1],ARGV[2]
local held=redis.pcall('GET',KEYS[1])
if type(held)=='table' then held=false end
local found=redis.call('MGET',KEYS[2],KEYS[3])
local generation=math.max(tonumber(found[1] or 0) or 0,tonumber(found[2] or 0) or 0)
if why=='c' then
  if token~='' and held and held~=token then return 0 end
  if ARGV[3]~='' and tonumber(ARGV[3])~=generation then return 0 end
elseif why=='n' then
  local old=redis.pcall('GETRANGE',KEYS[4],6,13)
  if type(old)=='string' and #old==8 and struct.unpack('<d',old)>=generation then return 2 end
elseif why=='g' and held then
  redis.call('SET',KEYS[1],'-','PX',ARGV[7])
end
local value=ARGV[4]..struct.pack('<d',generation)..ARGV[5]
if ARGV[6]=='' then
  redis.call('SET',KEYS[4],value)
else
  redis.call('SET',KEYS[4],value,'PX',ARGV[6])
end
if token~='' and held==token then redis.call('DEL',KEYS[1]) end
return 1";

/// Forgets an entry; if a caller asked for it (`g`), computations of it are outdated.
///
/// Keys: lease, entry. Arguments: why, milliseconds of a lease.
pub const REMOVE: &str = r"
if ARGV[1]=='g' and redis.call('EXISTS',KEYS[1])==1 then
  redis.call('SET',KEYS[1],'-','PX',ARGV[2])
end
return redis.call('UNLINK',KEYS[2])";

/// Begins a generation: what was made before counts no more. One of all forgets the salt, too.
///
/// Keys: a generation; the hash with the salt, if it is one of all.
pub const BEGIN: &str = r"
local time=redis.call('TIME')
local now=time[1]*1000000+time[2]
local old=redis.pcall('GET',KEYS[1])
old=type(old)=='string' and tonumber(old) or 0
if now<=old then now=old+1 end
redis.call('SET',KEYS[1],string.format('%.0f',now))
if KEYS[2] then redis.call('HDEL',KEYS[2],'salt') end
return 1";

/// Makes a lease last longer, if it is still this token's.
///
/// Key: lease. Arguments: token, milliseconds.
pub const RENEW: &str = r"
if redis.pcall('GET',KEYS[1])==ARGV[1] then return redis.call('PEXPIRE',KEYS[1],ARGV[2]) end
return 0";

/// Gives a lease back, if it is still this token's.
///
/// Key: lease. Argument: token.
pub const RELEASE: &str = r"
if redis.pcall('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) end
return 0";

/// Outdates who computes a key.
///
/// Key: lease. Argument: milliseconds of a lease.
pub const OUTDATE: &str = r"
if redis.call('EXISTS',KEYS[1])==1 then redis.call('SET',KEYS[1],'-','PX',ARGV[1]) end
return 1";

/// Deletes an entry, unless one that counts has taken its place.
///
/// Key: entry. Argument: since when entries count.
pub const SWEEP: &str = r"
local old=redis.pcall('GETRANGE',KEYS[1],6,13)
if type(old)=='string' and #old==8 and struct.unpack('<d',old)<tonumber(ARGV[1]) then
  return redis.call('UNLINK',KEYS[1])
end
return 0";
