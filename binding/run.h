// Runs a call on the device or the CPU that it names.
#pragma once

#include "../cpu/backend.h"
#include "../cuda/backend.h"

namespace scaloss {

struct Place {
  int device;   // of CUDA; -1 for the CPU
  int threads;  // of the CPU, at most
};

template <class T>
BoxLossSummary run(const BoxLossJob<T>& job, Place place) {
  return place.device < 0 ? cpu_box_loss(job, place.threads) : cuda_box_loss(job, place.device);
}

// CUDA has no kernels for heads yet, and TypeScript names no device.
template <class T>
BoxLossSummary run(const HeadJob<T>& job, Place place) {
  return cpu_head_loss(job, place.threads);
}

template <class T>
void run(const PairwiseJob<T>& job, Place place) {
  place.device < 0 ? cpu_pairwise(job, place.threads) : cuda_pairwise(job, place.device);
}

}  // namespace scaloss
