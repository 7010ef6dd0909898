// SPDX-License-Identifier: Apache-2.0
// Connection: the agent's end of a connection to the recorder, for as long as it asks for something. No descriptor
// stays open in the target beyond that.
#pragma once

#include <cstddef>

namespace flarestack::agent {

class Connection {
 public:
  constexpr Connection() = default;
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Connects to the recorder of a session; false: there is none. Replies are waited for five seconds. [init], [hook]
  bool open(const char* session_value);
  void close();
  explicit operator bool() const { return descriptor_ >= 0; }

  // One message; false: the recorder is gone, or there is no connection. [hook]
  bool send(const void* bytes, size_t size_bytes) const;
  // One message of exactly this size; `descriptor` is the one that came with it, -1: none. False: there was none in
  // time, and nothing is open. [hook]
  bool receive(void* bytes, size_t size_bytes, int& descriptor) const;

 private:
  long descriptor_ = -1;
};

// Copies the secret of "VERSION:NAMESECRET" to where a message has it; false, and nothing is copied, if that is no
// session. [hook]
bool copy_secret(const char* session_value, char* to);

}  // namespace flarestack::agent
