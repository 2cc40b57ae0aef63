-- What wrk sends, and its figures as JSON in the last line that it prints.
--
-- Arguments: the method; a file with a bearer token a line, or "-"; a body in which {n} is
-- replaced by a number, or "-"; how many different bodies there are, or 0 if no two are the
-- same.

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

-- Who is told to come back later does: one who asks again at once keeps the server busy
-- with nothing but refusals. (wrk sends later and slower with these two, so only where it is
-- told to.)
if os.getenv("BENCH_PATIENT") then
  local to_wait = 0

  function response(status)
    if status == 503 then
      to_wait = to_wait + 1
    end
  end

  function delay()
    if to_wait == 0 then
      return 0
    end
    to_wait = to_wait - 1
    return 1000
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"answers":%d,"refused":%d,"broken":%d,"seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f}\n',
    summary.requests, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
