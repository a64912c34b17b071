-- One user's requests of a sliding window: an exact log, in one string. Every number in it has sixteen digits, so that
-- numbers compare as text: the generation, the revision, then the stamps, each a moment in microseconds by this server's
-- clock, rising, no two the same. A new generation says that something was lost in between.
-- KEYS: the log. ARGV: verb, window in microseconds, limit, and
--   spend    the newest stamp that the caller knows
--   restore  stamps that must be there, one after the other; then the caller's own, which goes if it is over the limit
--   refund   the stamp to take out
-- Returns: whether it was admitted, its stamp, now, generation, revision, how many are used, the stamp after which the
-- next one fits if none fits now, and the stamps that the caller does not know.
local verb, window, limit, given, own = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local function text(number) return string.format('%016.0f', number) end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local kept = redis.call('GET', KEYS[1])
local generation, revision, log = text(now), 0, ''
if kept and #kept >= 32 and #kept % 16 == 0 and not kept:find('%D') and tonumber(kept:sub(-16)) < now + window then
    generation, revision, log = kept:sub(1, 16), tonumber(kept:sub(17, 32)), kept:sub(33)
end
local first, too_old = 1, text(now - window)
while first < #log and log:sub(first, first + 15) <= too_old do first = first + 16 end
log = log:sub(first)

local admitted, stamp, changed = 0, '', false
if verb == 'spend' then
    if #log / 16 < limit then
        stamp = text(math.max(now, #log > 0 and tonumber(log:sub(-16)) + 1 or 0))
        log, admitted, changed = log .. stamp, 1, true
    end
elseif verb == 'restore' then
    local known, all, before = {}, {}, #log / 16
    for one in (log .. given):gmatch(('%d'):rep(16)) do
        if not known[one] and one > too_old then
            known[one] = true
            all[#all + 1] = one
        end
    end
    if #all > before then generation, revision, changed = text(now), 0, true end
    table.sort(all)
    stamp = own
    for rank, one in ipairs(all) do
        if one == own and rank <= limit then
            admitted = 1
        elseif one == own then
            table.remove(all, rank)
            changed = true
            break
        end
    end
    log = table.concat(all)
else
    for at = #log - 15, 1, -16 do
        if log:sub(at, at + 15) == given then
            log, stamp, changed = log:sub(1, at - 1) .. log:sub(at + 16), given, true
            break
        end
    end
end
if changed then
    revision = revision + 1
    redis.call('SET', KEYS[1], generation .. text(revision) .. log, 'PX', math.ceil(window / 1000))
end

local used, frees, unknown = #log / 16, '', log
if used >= limit and limit > 0 then
    frees = log:sub((used - limit) * 16 + 1, (used - limit) * 16 + 16)
end
if verb == 'spend' then
    local at = #log + 1
    while at > 16 and log:sub(at - 16, at - 1) > given do at = at - 16 end
    unknown = log:sub(at)
end
return {admitted, stamp, now, generation, revision, used, frees, unknown}
