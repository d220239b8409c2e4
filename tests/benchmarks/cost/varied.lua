-- The requests of callers.py, for wrk.
local number = 0

function request()
  number = number + 1
  local id = string.format("%012x4%03x8%015x", number * 7919, number % 4096, number)
  local headers = {
    ["User-Agent"] = string.format("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101", number % 97),
    ["X-Correlation-ID"] = id,
    ["traceparent"] = string.format("00-%s-%016x-01", id, number),
  }
  return wrk.format("GET", string.format("/json/%d/?q=%d", number, number), headers)
end
