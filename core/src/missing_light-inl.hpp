// SPDX-License-Identifier: MIT
/// \file
/// Light in the place of pixels that hold none, so that a centroid does not lean away from them; compiled for each
/// instruction set.

// clang-format off
#if defined(STARFLOW_MISSING_LIGHT_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef STARFLOW_MISSING_LIGHT_INL
#undef STARFLOW_MISSING_LIGHT_INL
#else
#define STARFLOW_MISSING_LIGHT_INL
#endif
// clang-format on

#include "centroid_walk-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace starflow::HWY_NAMESPACE::centroids {

/// The light of a round Gaussian at the distance (dx, dy) from its centre.
struct RoundLight {
  V peak, variance;

  static RoundLight of(V flux, V variance) {
    const V area = hn::Mul(num(2 * std::numbers::pi), variance);
    return {hn::Div(hn::Max(flux, num(0)), area), variance};
  }
  [[nodiscard]] V flux() const { return hn::Mul(peak, hn::Mul(num(2 * std::numbers::pi), variance)); }
  [[nodiscard]] V at(V dx, V dy) const {
    const V r2 = hn::MulAdd(dx, dx, square(dy));
    return hn::Mul(peak, exp_falling(d, hn::Div(hn::Mul(num(-0.5), r2), variance)));
  }
};

/// Gives each missing pixel the value of the one that lies across the star, more or less what the star as it is known
/// differs between the two; where that is missing as well, or lies beyond the block, the light of the star alone. The
/// pixels across are those across the half pixel nearest to the star, which stays once the star moves little. Weighted
/// alike, two such pixels take nothing from the mean and add nothing to what is known of it: what the other half of
/// the window lost is not made up.
/// Source: SExtractor manual, MASK_TYPE CORRECT, which takes the value across as it is.
class MissingLight {
 public:
  explicit MissingLight(StarBlock& block) : block_(block) {
    all_clean_ = true;
    for (std::size_t lane = 0; lane < block.lanes; ++lane) {
      clean_.cell[lane] = block.clean[lane] ? 1.0F : 0.0F;
      lane_.cell[lane] = static_cast<float>(lane);
      all_clean_ = all_clean_ && block.clean[lane];
    }
    twice_x_.clear();
    twice_y_.clear();
    sum_.clear();
    flux_.clear();
    one_sided_.clear();
    hidden_.clear();
  }
  MissingLight(const MissingLight&) = delete;
  MissingLight& operator=(const MissingLight&) = delete;
  ~MissingLight() {
    if (any()) visit_holes(whole(), whole(), [&](std::size_t k, M missing, V, V) { put(k, missing, num(0)); });
  }

  [[nodiscard]] bool any() const { return !all_clean_; }
  /// Lanes in which pixels may be missing.
  [[nodiscard]] M lanes() const { return hn::Lt(clean_.get(0), num(0.5)); }

  /// Chooses which pixels lie across for the lanes of \p which.
  void aim(V x, V y, M which) {
    twice_x_.put(0, hn::IfThenElse(which, hn::Round(hn::Add(x, x)), twice_x_.get(0)));
    twice_y_.put(0, hn::IfThenElse(which, hn::Round(hn::Add(y, y)), twice_y_.get(0)));
  }

  /// The star that has the weighted light \p s0 less what the last fill put where nothing is known: its own part of
  /// that is solved for, not iterated. \p whole  flux of a star over its weighted light
  [[nodiscard]] RoundLight star(V s0, V whole, V variance) const {
    const V flux = flux_.get(0), known = hn::Mul(whole, hn::Sub(s0, model()));
    const V guessed = hn::IfThenElseZero(hn::Gt(flux, num(0)), hn::Div(hn::Mul(whole, model()), flux));
    return RoundLight::of(hn::Div(known, hn::Sub(num(1), hn::Min(guessed, num(kMostGuessed)))), variance);
  }

  /// Fills the pixels of \p columns and \p rows in the lanes of \p which; those that rest keep what their last sums
  /// saw. \p weight(dx, dy)  of a pixel in the sums of the centroid
  void fill(V x, V y, Span columns, Span rows, const RoundLight& star, const auto& weight, M which) {
    Table<D, kCount> sum;
    sum.clear();
    flux_.put(0, hn::IfThenElse(which, star.flux(), flux_.get(0)));
    const V per = inverse(star.variance);
    visit_holes(columns, rows, [&](std::size_t k, M missing, V i, V j) {
      const V dx = hn::Sub(i, x), dy = hn::Sub(j, y);
      const Across a = across(i, j);
      const V ax = hn::Sub(a.i, x), ay = hn::Sub(a.j, y), own = star.at(dx, dy);
      const V theirs = hn::IfThenElseZero(a.counts, star.at(ax, ay));
      const V value = hn::IfThenElseZero(a.counts, hn::GatherIndex(d, block_.value.data(), a.index));
      put(k, hn::And(missing, which), hn::Add(value, hn::Sub(own, theirs)));
      const V w = hn::IfThenElseZero(missing, weight(dx, dy)), scaled = hn::Mul(w, per);
      const V by_x = hn::Mul(scaled, hn::NegMulAdd(theirs, ax, hn::Mul(own, dx)));
      const V by_y = hn::Mul(scaled, hn::NegMulAdd(theirs, ay, hn::Mul(own, dy)));
      sum.add(kXX, hn::Mul(by_x, dx));
      sum.add(kYY, hn::Mul(by_y, dy));
      sum.add(kXY, hn::Mul(num(0.5), hn::MulAdd(by_x, dy, hn::Mul(by_y, dx))));
      sum.add(kModel, hn::IfThenZeroElse(a.counts, hn::Mul(w, own)));
    });
    for (std::size_t k = 0; k < kCount; ++k) sum_.put(k, hn::IfThenElse(which, sum.get(k), sum_.get(k)));
  }

  /// What the fill takes from the derivative of the weighted first moments by the position, and the weighted light
  /// that is the model's alone. 0 in the lanes where nothing is missing.
  [[nodiscard]] V slope_xx() const { return sum_.get(kXX); }
  [[nodiscard]] V slope_yy() const { return sum_.get(kYY); }
  [[nodiscard]] V slope_xy() const { return sum_.get(kXY); }
  [[nodiscard]] V model() const { return sum_.get(kModel); }

  /// Finds the lanes in which next to all pixels on one side are missing: of a star on the edge of the frame, what lies
  /// across tells little, and almost any position agrees with the fill. 0.5 of the first moment is half of a star.
  [[nodiscard]] M judge(V x, V y, Span columns, Span rows, const RoundLight& star, const auto& weight) {
    V lean_x = num(0), lean_y = lean_x, all_x = lean_x, all_y = lean_x, gone = lean_x, all = lean_x;
    for (std::size_t j = rows.begin; j < rows.end; ++j) {
      for (std::size_t i = columns.begin; i < columns.end; ++i) {
        const V dx = hn::Sub(place(i), x), dy = hn::Sub(place(j), y), w = hn::Mul(weight(dx, dy), star.at(dx, dy));
        const V wx = hn::Mul(w, dx), wy = hn::Mul(w, dy);
        const V variance = hn::Load(d, &block_.variance[block_.index(i, j, 0)]);
        const M missing = hn::Gt(variance, num(StarBlock::kMissing));
        lean_x = hn::Add(lean_x, hn::IfThenElseZero(missing, wx));
        lean_y = hn::Add(lean_y, hn::IfThenElseZero(missing, wy));
        gone = hn::Add(gone, hn::IfThenElseZero(missing, w));
        all = hn::Add(all, w);
        all_x = hn::Add(all_x, hn::Abs(wx));
        all_y = hn::Add(all_y, hn::Abs(wy));
      }
    }
    const V part = num(kOneSided);
    const M x_lost = hn::Gt(hn::Abs(lean_x), hn::Mul(part, all_x)),
            y_lost = hn::Gt(hn::Abs(lean_y), hn::Mul(part, all_y));
    const M lost = hn::And(lanes(), hn::Or(x_lost, y_lost));
    one_sided_.put(0, hn::IfThenElseZero(lost, num(1)));
    hidden_.put(0, hn::IfThenElseZero(hn::Gt(gone, hn::Mul(num(kMostHidden), all)), num(1)));
    return lost;
  }

  /// Parts of the sandwich: derivatives of the first moments by the position, their variances, and that of the flux.
  struct Sandwich {
    V &axx, &ayy, &axy, &bxx, &byy, &bxy, &flux;
  };
  /// Puts right, in the lanes where pixels are missing, that some stand for two and that the fill moves with the star.
  /// \p by_value(dx, dy)  what a pixel adds to the flux  \p light  shot noise in units of the variance
  /// \p s0  sum of the weighted light
  void correct(V x,
               V y,
               Span columns,
               Span rows,
               const auto& weight,
               const auto& by_value,
               const RoundLight& light,
               V s0,
               const Sandwich& out) const {
    // A pixel across may lie up to a pixel outside of its lane's window: no lane's sums end with another's.
    columns = widened(columns);
    rows = widened(rows);
    V bxx = num(0), byy = bxx, bxy = bxx, flux = bxx;
    for (std::size_t j = rows.begin; j < rows.end; ++j) {
      for (std::size_t i = columns.begin; i < columns.end; ++i) {
        const V ci = place(i), cj = place(j), dx = hn::Sub(ci, x), dy = hn::Sub(cj, y);
        const Across a = across(ci, cj);
        const V ax = hn::Sub(a.i, x), ay = hn::Sub(a.j, y);
        const V w = weight(dx, dy), wa = hn::IfThenElseZero(a.missing, weight(ax, ay));
        const V by_x = hn::MulAdd(wa, ax, hn::Mul(w, dx)), by_y = hn::MulAdd(wa, ay, hn::Mul(w, dy));
        const V by_flux = hn::MulAdd(wa, by_value(ax, ay), hn::Mul(w, by_value(dx, dy)));
        const V raw = hn::Load(d, &block_.variance[block_.index(i, j, 0)]);
        const M weighs = hn::Or(hn::Gt(w, num(0)), hn::Gt(wa, num(0)));
        const M counts = hn::And(weighs, hn::Lt(raw, num(StarBlock::kMissing)));
        const V v = hn::IfThenElseZero(counts, hn::Add(light.at(dx, dy), hn::Abs(raw))), vx = hn::Mul(v, by_x);
        bxx = hn::MulAdd(vx, by_x, bxx);
        bxy = hn::MulAdd(vx, by_y, bxy);
        byy = hn::MulAdd(hn::Mul(v, by_y), by_y, byy);
        flux = hn::MulAdd(hn::Mul(v, by_flux), by_flux, flux);
      }
    }
    const auto take = [this](V& to, V from) { to = hn::IfThenElse(lanes(), from, to); };
    take(out.bxx, bxx);
    take(out.byy, byy);
    take(out.bxy, bxy);
    // The model's light follows the flux: the more of it there is, the less the pixels that count hold it.
    const V known = hn::Sub(num(1), hn::Min(hn::Div(model(), s0), num(kMostGuessed)));
    take(out.flux, hn::Div(flux, square(known)));
    // To a one-sided star the caller gives an error after the light that is missing.
    const M lost = hn::Gt(one_sided_.get(0), num(0)), hidden = hn::Gt(hidden_.get(0), num(0));
    const auto left = [&](V whole, V slope) {
      const V part = hn::Sub(whole, slope), least = hn::Mul(num(kLeastShare), whole);
      const V told = hn::IfThenElseZero(hn::Gt(part, least), part);
      return hn::IfThenElse(lost, hn::IfThenZeroElse(hidden, hn::Max(part, hn::Mul(num(kOneSided), whole))), told);
    };
    take(out.axx, left(out.axx, slope_xx()));
    take(out.ayy, left(out.ayy, slope_yy()));
    take(out.axy, hn::IfThenElseZero(hn::Not(lost), hn::Sub(out.axy, slope_xy())));
  }

 private:
  static constexpr double kOneSided = 0.35;    // of the first moment
  static constexpr double kLeastShare = 0.05;  // of what a whole window tells of a position
  static constexpr double kMostHidden = 0.65;  // of the light of a one-sided star in the window
  static constexpr double kMostGuessed = 0.9;  // of the weighted light; more makes no star
  using Index = hn::RebindToSigned<D>;
  /// The pixel across: where it is from the block's centre, and what it is. Beyond the block it neither counts nor is
  /// missing.
  struct Across {
    V i, j;
    hn::Vec<Index> index;
    M counts, missing;
  };
  enum : std::size_t { kXX, kYY, kXY, kModel, kCount };

  [[nodiscard]] Across across(V i, V j) const {
    const V reach = num(block_.radius), side = num(static_cast<double>(block_.side()));
    const V ai = hn::Sub(twice_x_.get(0), i), aj = hn::Sub(twice_y_.get(0), j);
    const M held = hn::Le(hn::Max(hn::Abs(ai), hn::Abs(aj)), reach);
    const V hi = hn::Add(hn::IfThenElseZero(held, ai), reach), hj = hn::Add(hn::IfThenElseZero(held, aj), reach);
    const V cell = hn::MulAdd(hn::MulAdd(hj, side, hi), num(static_cast<double>(block_.lanes)), lane_.get(0));
    const auto index = hn::ConvertTo(Index(), cell);
    const V variance = hn::GatherIndex(d, block_.variance.data(), index);
    const M present = hn::Lt(variance, num(StarBlock::kMissing));
    return {ai, aj, index, hn::And(held, present), hn::AndNot(present, held)};
  }

  [[nodiscard]] V place(std::size_t i) const { return num(static_cast<int>(i) - block_.radius); }
  [[nodiscard]] Span whole() const { return {0, block_.side()}; }
  [[nodiscard]] Span widened(Span s) const {
    constexpr std::size_t kBy = 2;
    return {s.begin > kBy ? s.begin - kBy : 0, std::min(s.end + kBy, block_.side())};
  }

  void visit_holes(Span columns, Span rows, const auto& visit) {
    for (std::size_t j = rows.begin; j < rows.end; ++j) {
      for (std::size_t i = columns.begin; i < columns.end; ++i) {
        const std::size_t k = block_.index(i, j, 0);
        const M missing = hn::Gt(hn::Load(d, &block_.variance[k]), num(StarBlock::kMissing));
        if (!hn::AllFalse(d, missing)) visit(k, missing, place(i), place(j));
      }
    }
  }

  void put(std::size_t k, M which, V value) {
    hn::Store(hn::IfThenElse(which, value, hn::Load(d, &block_.value[k])), d, &block_.value[k]);
  }

  StarBlock& block_;
  bool all_clean_;
  Table<D, 1> clean_, lane_, twice_x_, twice_y_, flux_, one_sided_, hidden_;
  Table<D, kCount> sum_;
};

}  // namespace starflow::HWY_NAMESPACE::centroids
HWY_AFTER_NAMESPACE();

#endif  // include guard
