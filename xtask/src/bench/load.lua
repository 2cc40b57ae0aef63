-- Generates the requests of wrk, and prints its results as JSON in the last line.
--
-- Arguments: the method; a file with one bearer token per line, or "-"; a body in which {n} is
-- replaced by a number, or "-"; the number of different bodies, or 0 if all are different.

local requests, sent = {}, 0
local method, template, bodies

local function with_body(n)
  return wrk.format(method, nil, nil, (template:gsub("{n}", n)))
end

function init(args)
  local tokens
  method, tokens, template, bodies = args[1], args[2], args[3], tonumber(args[4])
  if template ~= "-" then
    wrk.headers["Content-Type"] = "application/json"
    for n = 0, bodies - 1 do
      requests[#requests + 1] = with_body(n)
    end
  elseif tokens ~= "-" then
    for token in io.lines(tokens) do
      local headers = { ["Host"] = wrk.headers["Host"], ["Authorization"] = "Bearer " .. token }
      requests[#requests + 1] = wrk.format(method, nil, headers)
    end
  else
    requests[1] = wrk.format(method)
  end
end

function request()
  sent = sent + 1
  if #requests == 0 then
    return with_body(sent)
  end
  return requests[(sent - 1) % #requests + 1]
end

-- Waits for a second after a 503, because a client that retries immediately keeps the server busy
-- with rejections. wrk is slower with these two functions, so they are optional.
if os.getenv("BENCH_RETRY_DELAY") then
  local pending = 0

  function response(status)
    if status == 503 then
      pending = pending + 1
    end
  end

  function delay()
    if pending == 0 then
      return 0
    end
    pending = pending - 1
    return 1000
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"responses":%d,"rejected":%d,"broken":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f}\n',
    summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
