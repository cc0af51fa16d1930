#include "table.hpp"

namespace golden {

/// Normalised x, and the running statistics (copies of x[3] and x[4]) after that.
template <class T>
In<T> batch_norm_running(const In<T>& x) {
  const Variable<T> mean(Array<T>(x[3].value())), variance(Array<T>(x[4].value()));
  const Variable<T> y = batch_norm(x[0], x[1], x[2], mean, variance, {.momentum = 0.25});
  return {y, mean, variance};
}

void norm_rows(Table& table) {
  const std::string shapes = "vectors, images, sequence, two, channels";
  const std::string of_one = "of one element all cancels but eps";
  ROW("batch_norm", shapes + ", equal", batch_norm(x[0], x[1], x[2], {}, {}));
  ROW("batch_norm plain", shapes, batch_norm(x[0], {}, {}, {}, {}));
  ROW("batch_norm running", shapes, batch_norm_running(x));
  ROW("batch_norm evaluation", shapes, batch_norm(x[0], x[1], x[2], x[3], x[4], {.training = false}));
  ROW("batch_norm eps", shapes, batch_norm(x[0], x[1], x[2], {}, {}, {.eps = 0.25}));
  ROW("layer_norm", "vectors, images, sequence, channels, equal, empty", layer_norm(x[0], x[1], x[2]));
  ROW("layer_norm", "two axes", layer_norm(x[0], x[1], x[2], {.axes = 2}));
  ROW("layer_norm plain", shapes, layer_norm(x[0], {}, {}, {.eps = 0.25}));
  ROW("rms_norm", "vectors, images, sequence, channels, empty", rms_norm(x[0], x[1]));
  ROW("rms_norm", "two", rms_norm(x[0], x[1])).in_float(1e-3, of_one);
  ROW("rms_norm", "two axes", rms_norm(x[0], x[1], {.axes = 2}));
  ROW("rms_norm plain", "vectors, images, sequence, channels", rms_norm(x[0]));
  ROW("rms_norm plain", "two", rms_norm(x[0])).in_float(1e-3, of_one);
  ROW("group_norm", "images, vectors", group_norm(x[0], 2, x[1], x[2]));
  ROW("group_norm", "sequence", group_norm(x[0], 3, x[1], x[2]));
  ROW("group_norm", "one group", group_norm(x[0], 1, x[1], x[2]));
  ROW("group_norm", "ones", group_norm(x[0], 4, x[1], x[2]));
  ROW("group_norm plain", "images, vectors", group_norm(x[0], 2, {}, {}, {.eps = 0.25}));
  ROW("group_norm plain", "sequence", group_norm(x[0], 3, {}, {}, {.eps = 0.25}));
  ROW("group_norm plain", "one group", group_norm(x[0], 1, {}, {}, {.eps = 0.25}));
  ROW("group_norm plain", "ones", group_norm(x[0], 4, {}, {}, {.eps = 0.25}));
  ROW("instance_norm", "images, sequence, one group, ones", instance_norm(x[0], x[1], x[2]));
  ROW("instance_norm plain", "images, sequence, one group, ones", instance_norm(x[0], {}, {}, {.eps = 0.25}));
#define RESPONSE(size)                                                 \
  ROW("local_response_norm " #size, "images, rows, wide, one channel", \
      local_response_norm(x[0], size, {.alpha = 0.5, .beta = 0.75, .k = 2}))
  RESPONSE(1);
  RESPONSE(2);
  RESPONSE(3);
  RESPONSE(5);
  ROW("local_response_norm defaults", "images", local_response_norm(x[0], 5));
  ROW("normalize p=1", "last, ones", normalize(x[0], -1, {.p = 1}));
  ROW("normalize p=1", "first", normalize(x[0], 0, {.p = 1}));
  ROW("normalize p=1", "below eps", normalize(x[0], -1, {.p = 1, .eps = 1}));
  ROW("normalize p=2", "last, ones", normalize(x[0]));
  ROW("normalize p=2", "first", normalize(x[0], 0));
  ROW("normalize p=2", "below eps", normalize(x[0], -1, {.eps = 1}));
}

void network_rows(Table& table) {
  ROW("softmax", "last, one, empty, wide, extreme, infinite", softmax(x[0]));
  ROW("softmax", "first", softmax(x[0], 0));
  ROW("softmax", "middle", softmax(x[0], 1));
  ROW("log_softmax", "last, one, empty, wide, extreme, infinite", log_softmax(x[0]));
  ROW("log_softmax", "first", log_softmax(x[0], 0));
  ROW("log_softmax", "middle", log_softmax(x[0], 1));
  const std::string shapes = "plain, heads, broadcast, one";
  ROW("scaled_dot_product_attention", shapes + ", torch's own", scaled_dot_product_attention(x[0], x[1], x[2]));
  ROW("scaled_dot_product_attention causal", shapes, scaled_dot_product_attention(x[0], x[1], x[2], {.causal = true}));
  ROW("scaled_dot_product_attention scale", shapes, scaled_dot_product_attention(x[0], x[1], x[2], {.scale = 0.5}));
  ROW("scaled_dot_product_attention mask", "plain", scaled_dot_product_attention(x[0], x[1], x[2], {.mask = x[3] > 0}));
  ROW("lstm_cell", "plain, one, empty", lstm_cell(x[0], {x[1], x[2]}, x[3], x[4], x[5], x[6]));
  ROW("lstm_cell plain", "plain, one, empty", lstm_cell(x[0], {x[1], x[2]}, x[3], x[4]));
  ROW("gru_cell", "plain, one, empty", gru_cell(x[0], x[1], x[2], x[3], x[4], x[5]));
  ROW("gru_cell plain", "plain, one, empty", gru_cell(x[0], x[1], x[2], x[3]));
}

}  // namespace golden
