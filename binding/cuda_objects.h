// Streams, events and tensors of CUDA devices for JavaScript (src/cuda/). Builds with CUDA implement them in
// cuda_streams.cpp, cuda_tensors.cpp and cuda_box_loss.cpp, builds without CUDA in cuda_absent.cpp. Arguments in
// brackets are handles (binding/handle.h). A dtype is a position in SCALOSS_DTYPES (core/dtypes.h).
#pragma once

#include "node_api.h"

namespace scaloss {

// Every function, by its name in JavaScript and here.
#define SCALOSS_CUDA_FUNCTIONS(ROW)                                                                                 \
  ROW(openStream, open_stream)               /* (device, pointer?: bigint): [stream] */                             \
  ROW(streamPointer, stream_pointer)         /* ([stream]): bigint */                                               \
  ROW(synchronizeStream, synchronize_stream) /* ([stream]): void */                                                 \
  ROW(synchronizeDevice, synchronize_device) /* (device): void */                                                   \
  ROW(recordEvent, record_event)             /* ([stream]): [event] */                                              \
  ROW(synchronizeEvent, synchronize_event)   /* ([event]): void */                                                  \
  ROW(elapsedTime, elapsed_time)             /* ([event], [event]): ms; waits for the second */                     \
  ROW(newTensor, new_tensor)                 /* ([stream], dtype, length, zeros: boolean): [tensor] */              \
  ROW(foreignTensor, foreign_tensor)         /* ([stream], dtype, length, pointer: bigint): [tensor] */             \
  ROW(subTensor, sub_tensor)                 /* ([tensor], begin, length): [tensor] of the same memory */           \
  ROW(tensorPointer, tensor_pointer)         /* ([tensor]): bigint */                                               \
  ROW(writeTensor, write_tensor)             /* ([tensor], typed array): void */                                    \
  ROW(readTensor, read_tensor)               /* ([tensor], typed array): void; waits */                             \
  ROW(copyTensor, copy_tensor)               /* ([stream], [to], [from]): void */                                   \
  ROW(deviceMemory, device_memory)           /* (device): [total, free, allocated, reserved], bytes */              \
  ROW(deviceBoxLoss, device_box_loss)        /* (block, [stream], [loss], [invalid] of float64, then tensors as the \
                                                arrays of boxLoss): void */

#define SCALOSS_DECLARE(name, function) Napi::Value function(const Arguments& arguments);
SCALOSS_CUDA_FUNCTIONS(SCALOSS_DECLARE)
#undef SCALOSS_DECLARE

}  // namespace scaloss
